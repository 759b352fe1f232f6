"""What access control costs: lists beside hand-written filters, `restrict` beside django-guardian, `decide` beside
cedarpy. On a private PostgreSQL with its default durability."""
