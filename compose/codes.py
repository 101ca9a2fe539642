"""Numbers the kinds of mistakes in a file. A code never changes its meaning, and is not given twice.

WL0xx: files, YAML, variables. WL1xx: one value. WL2xx: what speaks of something else. WL3xx: what does not go together.
WL4xx: what windlass does not do. WL5xx: warnings. `compose.explanations` says more about each.
"""

from typing import Final

NO_FILE: Final = "WL001"
UNREADABLE: Final = "WL002"
EMPTY_FILE: Final = "WL003"
TOO_LARGE: Final = "WL004"
NOT_TEXT: Final = "WL005"
NOT_YAML: Final = "WL006"
DUPLICATE_KEY: Final = "WL007"
KEY_NOT_TEXT: Final = "WL008"
UNKNOWN_TAG: Final = "WL009"
ENDLESS_ALIAS: Final = "WL010"
WRONG_MERGE: Final = "WL011"
INTERPOLATION: Final = "WL020"
REQUIRED_VARIABLE: Final = "WL021"
ENV_FILE_MISSING: Final = "WL030"
ENV_FILE_LINE: Final = "WL031"
PROJECT_NAME: Final = "WL040"

UNKNOWN_KEY: Final = "WL101"
WRONG_KIND: Final = "WL102"
WRONG_VALUE: Final = "WL103"
NO_SUCH_CHOICE: Final = "WL104"
OUT_OF_RANGE: Final = "WL105"
MISSING_KEY: Final = "WL106"
WRONG_NAME: Final = "WL107"
WRONG_SIZE: Final = "WL108"
WRONG_DURATION: Final = "WL109"
WRONG_COMMAND: Final = "WL110"
WRONG_PORT: Final = "WL111"
WRONG_MOUNT: Final = "WL112"
WRONG_TEST: Final = "WL113"
WRONG_HOST: Final = "WL114"
WRONG_MODE: Final = "WL115"
WRONG_RESTART: Final = "WL116"
WRONG_SIGNAL: Final = "WL117"
WRONG_SUBNET: Final = "WL118"
WRONG_ADDRESS: Final = "WL119"

UNKNOWN_SERVICE: Final = "WL201"
DISABLED_SERVICE: Final = "WL202"
CIRCLE: Final = "WL203"
UNDEFINED: Final = "WL204"
NO_IMAGE: Final = "WL205"

PORT_TWICE: Final = "WL301"
TARGET_TWICE: Final = "WL302"
NAME_TWICE: Final = "WL303"
ONE_FOR_MANY: Final = "WL304"
CONTRADICTION: Final = "WL305"

NOT_YET: Final = "WL401"

UNSET_VARIABLE: Final = "WL501"
NO_EFFECT: Final = "WL502"
OLD_WORD: Final = "WL503"
CUT_COMMAND: Final = "WL504"
SEVERAL_FILES: Final = "WL505"
