"""The unit by which systemd brings a stack back."""

from pathlib import Path

from compose.doing.units import Installation, quoted, unit_name, unit_text

HERE = Installation(
    python="/usr/bin/python3", packages="/opt/windlass", run=Path("/run/windlass"), data=Path("/var/lib/windlass")
)


def test_the_supervisor_is_the_main_process_and_containers_stop_in_their_order() -> None:
    assert unit_name("shop") == "windlass-shop.service"
    assert unit_text("shop", HERE, Path("/run/windlass/stacks/shop/supervisor.pid")) == (
        "[Unit]\n"
        "Description=Stack shop of windlass\n"
        "After=network-online.target local-fs.target nftables.service\n"
        "Wants=network-online.target\n"
        "RequiresMountsFor=/var/lib/windlass\n"
        "StartLimitIntervalSec=60\n"
        "StartLimitBurst=10\n"
        "\n"
        "[Service]\n"
        "Type=forking\n"
        'Environment="PYTHONPATH=/opt/windlass" "PYTHONSAFEPATH=1"'
        ' "WINDLASS_RUN_ROOT=/run/windlass" "WINDLASS_DATA_ROOT=/var/lib/windlass"\n'
        "ExecStart=/usr/bin/python3 -m compose.cli restore shop\n"
        "ExecStop=/bin/sh -c 'test -z \"$$MAINPID\" || exec /usr/bin/python3 -m compose.cli -p shop stop'\n"
        "PIDFile=/run/windlass/stacks/shop/supervisor.pid\n"
        "KillMode=process\n"
        "Restart=on-failure\n"
        "RestartSec=1\n"
        "TimeoutStartSec=infinity\n"
        "TimeoutStopSec=infinity\n"
        "Delegate=yes\n"
        "TasksMax=infinity\n"
        "\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n"
    )


def test_what_systemd_would_expand_is_kept_from_it() -> None:
    assert quoted("/srv/windlass") == "/srv/windlass"
    assert quoted("/srv/my things") == '"/srv/my things"'
    assert quoted("/srv/50%/$a") == '"/srv/50%%/$$a"'
