"""The figures of the DNS, on the PowerDNS that `bin/up` starts and on one of their own."""
