CREATE TABLE {prefix}task (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid TEXT NOT NULL,
  name TEXT NOT NULL,
  step INTEGER NOT NULL,
  status INTEGER NOT NULL,
  responses TEXT NOT NULL DEFAULT '{}',
  input TEXT NOT NULL,
  host TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL,
  key_hash BLOB NOT NULL,
  input_hash BLOB NOT NULL,
  boot INTEGER NOT NULL,
  birth INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  work INTEGER NOT NULL,
  callback INTEGER NOT NULL DEFAULT 0,
  callback_attempt INTEGER NOT NULL DEFAULT 0,
  wake_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  restarts INTEGER NOT NULL DEFAULT 0,
  step_name TEXT NOT NULL,
  plan INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  reason INTEGER NOT NULL DEFAULT 0,
  progress TEXT,
  error TEXT,
  history TEXT NOT NULL DEFAULT '[]',
  generations TEXT NOT NULL DEFAULT '{}',
  request INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX {prefix}task_key ON {prefix}task (key_hash);

CREATE INDEX {prefix}task_work ON {prefix}task (boot, name, wake_at) WHERE work = 1;

CREATE INDEX {prefix}task_status ON {prefix}task (status, id);

CREATE TABLE {prefix}task_node (
  boot INTEGER PRIMARY KEY,
  host BLOB NOT NULL,
  beat INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL,
  state INTEGER NOT NULL,
  accuses INTEGER NOT NULL,
  version TEXT NOT NULL,
  plans TEXT NOT NULL,
  running INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL
) STRICT;
