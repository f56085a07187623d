# One image for a cluster in Kubernetes: the engine, and beside it melanoma with its Python, at the same place for the
# launcher and for every worker, since a run starts `melanoma-worker` there. From the project's folder:
#   docker build -f deploy/cluster.Dockerfile --target flink -t registry.hospital.example/melanoma-flink:0.1.0 .
#   docker build -f deploy/cluster.Dockerfile --target spark -t registry.hospital.example/melanoma-spark:0.1.0 .
FROM maven:3.9-eclipse-temurin-17 AS job-servers
COPY tools/clusters/maven /maven
# The version that tools/clusters/versions.toml names and the tests run.
RUN for engine in flink spark; do (cd /maven/$engine && mvn -B -q package -Dbeam.version=2.62.0) || exit 1; done

FROM flink:1.19.3-scala_2.12-java17 AS flink-files
FROM apache/spark:3.5.7-scala2.12-java17-ubuntu AS spark-files

# A jar that leads `java -jar` to Beam's job server and to Spark's own jars.
FROM job-servers AS spark-job-server
COPY --from=spark-files /opt/spark/jars /opt/spark/jars
RUN { echo "Main-Class: org.apache.beam.runners.spark.SparkJobServerDriver"; \
      echo "Add-Opens: java.base/java.lang java.base/java.lang.invoke java.base/java.io java.base/java.net"; \
      echo "  java.base/java.nio java.base/java.util java.base/java.util.concurrent java.base/java.util.regex"; \
      echo "  java.base/java.util.concurrent.atomic java.base/sun.nio.ch java.base/sun.nio.cs"; \
      echo "  java.base/sun.security.action java.base/java.lang.reflect java.base/java.text java.base/java.time"; \
      echo "Class-Path: file:/srv/beam.jar"; \
      for jar in /opt/spark/jars/*.jar; do echo "  file:$jar"; done; \
    } > /manifest && jar cfm /job-server.jar /manifest

FROM python:3.11-slim-bookworm AS melanoma
RUN apt-get update && apt-get install -y --no-install-recommends openjdk-17-jre-headless gettext-base tini procps \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/melanoma
COPY requirements-stores.lock pyproject.toml setup.py README.md LICENSE ./
# What scoring needs, with S3, GCS and Azure.
RUN pip install --no-cache-dir --require-hashes -r requirements-stores.lock
COPY melanoma melanoma
COPY pipelines pipelines
COPY jobs jobs
COPY bundles bundles
RUN pip install --no-cache-dir --no-deps . && useradd --uid 9999 --home-dir /tmp melanoma
# Nothing is written but /tmp, so that the root file system can be read-only.
ENV JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64 HOME=/tmp PYTHONDONTWRITEBYTECODE=1

FROM melanoma AS flink
COPY --from=flink-files /opt/flink /opt/flink
COPY --from=flink-files /docker-entrypoint.sh /docker-entrypoint.sh
# Beam's classes in Flink's own folder: loaded with each job, they would end the workers after each stage.
COPY --from=job-servers /maven/flink/target/job-server-lib.jar /opt/flink/lib/
COPY --from=job-servers /maven/flink/target/job-server.jar /srv/job-server.jar
RUN chown -R 9999 /opt/flink
ENV FLINK_HOME=/opt/flink PATH=/opt/flink/bin:$PATH
USER 9999
ENTRYPOINT ["/docker-entrypoint.sh"]

FROM melanoma AS spark
COPY --from=spark-files /opt/spark /opt/spark
COPY --from=job-servers /maven/spark/target/job-server.jar /srv/beam.jar
COPY --from=spark-job-server /job-server.jar /srv/job-server.jar
ENV SPARK_HOME=/opt/spark SPARK_SCALA_VERSION=2.12 PATH=/opt/spark/bin:$PATH
USER 9999
ENTRYPOINT ["tini", "--"]
