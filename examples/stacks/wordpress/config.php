<?php
// What Debian's wp-config.php reads: the database is named by the environment, the site by whoever asks for it.
define('DB_HOST', getenv('DATABASE_HOST'));
define('DB_NAME', getenv('DATABASE_NAME'));
define('DB_USER', getenv('DATABASE_USER'));
define('DB_PASSWORD', getenv('DATABASE_PASSWORD'));
define('WP_HOME', 'http://' . $_SERVER['HTTP_HOST']);
define('WP_SITEURL', WP_HOME);
// It asks nobody on the network for anything.
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
