"""What uvicorn serves: uvicorn chatbot.main:app --app-dir deploy/chatbot"""

import os
import sys

from .app import create_app
from .settings import SettingsError, read_settings

try:
    app = create_app(read_settings(os.environ))
except SettingsError as error:
    sys.exit(f"chatbot: {error}")
