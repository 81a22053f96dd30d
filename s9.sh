. /tmp/reader/lib.sh; cd /tmp/reader/team2
r kt status
r kt gateways list
r kt drift --path policies/
r kt repos show team2
