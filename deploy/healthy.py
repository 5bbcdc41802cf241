"""Whether a part of Airflow is alive, by its last heartbeat: `healthy.py scheduler` ends with 0 or 1.

One small request instead of `airflow jobs check`, which imports Airflow anew each time: with five containers on two
cores those checks alone made the platform look unhealthy.
"""

import json
import sys
import urllib.request

HEALTH = "http://api-server:8080/api/v2/monitor/health"

if __name__ == "__main__":
    with urllib.request.urlopen(HEALTH, timeout=8) as answer:
        parts = json.load(answer)
    sys.exit(parts[sys.argv[1]]["status"] != "healthy")
