"""Beat sends tasks that there are, and holds neither them nor Django's models in memory."""

import json
import subprocess
import sys
from pathlib import Path

from paas.celery import app

ASK = """
import json, sys
from paas.beat import app
tasks = sorted(entry["task"] for entry in app.conf.beat_schedule.values())
print(json.dumps([tasks, app.conf.broker_url, sorted({"django.db.models", "provisioning.tasks"} & set(sys.modules))]))
"""


def test_it_sends_what_workers_do_and_loads_none_of_it() -> None:
    argv = [sys.executable, "-c", ASK]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[2])
    tasks, broker_url, loaded = json.loads(said.stdout)
    app.loader.import_default_modules()
    assert set(tasks) <= set(app.tasks)
    assert "provisioning.sweep" in tasks
    assert broker_url == app.conf.broker_url
    assert loaded == []
