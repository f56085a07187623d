"""Clusters of Flink and Spark on the loopback of this machine, for tests, measurements and first tries."""
