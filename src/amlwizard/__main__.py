import sys

from amlwizard.cli import main

sys.exit(main())
