"""The mesh's dashboards: defined here, written for Grafana into charts/dashboards, and drawn from a running Prometheus by a tool of our own."""

from tools.dashboards.a_call import CALL
from tools.dashboards.a_service import SERVICE
from tools.dashboards.at_a_glance import GLANCE
from tools.dashboards.handoffs import HANDOFFS

DASHBOARDS = (GLANCE, SERVICE, CALL, HANDOFFS)
