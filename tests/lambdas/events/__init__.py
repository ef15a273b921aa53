"""The publisher, against moto's bus and queue."""
