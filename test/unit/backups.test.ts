import assert from "node:assert/strict";
import { test } from "node:test";
import { type BackupReport, backupsOf, backupWarnings, span } from "../../config/backups.ts";

const at = "2026-03-01T12:00:00Z";
const ago = (hours: number) => `${new Date(Date.parse(at) - hours * 3_600_000).toISOString().slice(0, 19)}Z`;
const file = (hours: number, scheme = "file") => ({
  name: "etcd-snapshot-server-1-1",
  place: `${scheme}:///x`,
  bytes: 9,
  createdAt: ago(hours),
});
const report = (more: Partial<BackupReport>): BackupReport => ({
  node: "server-1",
  at,
  since: ago(1000),
  here: file(1),
  away: file(1, "s3"),
  problem: null,
  ...more,
});
const twelve = 12 * 3600;

test("S30 fresh snapshots raise no alarm, and their ages are told", () => {
  assert.deepEqual(backupWarnings(report({}), twelve, true), []);
  assert.deepEqual(backupWarnings(report({ here: file(24), away: file(24) }), twelve, true), []);
  const backups = backupsOf(report({}));
  assert.equal(backups.onNode?.ageSeconds, 3600);
  assert.equal(backups.checkedAt, at);
});

test("S30 a snapshot older than twice the interval raises the alarm, here and in S3 each by itself", () => {
  const [here, ...more] = backupWarnings(report({ here: file(25) }), twelve, true);
  assert.match(
    here!,
    /^server-1 at 2026-03-01T12:00:00Z: the newest snapshot on this server is 25 h old .*every 12 h/,
  );
  assert.deepEqual(more, []);
  const [away] = backupWarnings(report({ away: file(25) }), twelve, true);
  assert.match(away!, /the newest snapshot in S3 is 25 h old/);
  assert.deepEqual(backupWarnings(report({ away: file(25) }), twelve, false), []);
});

test("S30 no snapshot at all raises the alarm only once there should be one", () => {
  const none = { here: null, away: null };
  assert.deepEqual(backupWarnings(report({ ...none, since: ago(23) }), twelve, true), []);
  const found = backupWarnings(report({ ...none, since: ago(25) }), twelve, true);
  assert.equal(found.length, 2);
  assert.match(found.join(), /there is no snapshot on this server.*there is no snapshot in S3/s);
});

test("S30 an old snapshot is no alarm when the schedule is new", () => {
  assert.deepEqual(backupWarnings(report({ here: file(500), since: ago(2) }), twelve, false), []);
});

test("S30 S3 that cannot be asked is an alarm whatever the ages are", () => {
  const problem = "S3 (bucket b at s3.example.org) cannot be asked: Access Denied.";
  const [warning] = backupWarnings(report({ away: null, problem }), twelve, true);
  assert.match(
    warning!,
    /^server-1 at \S+: S3 \(bucket b at .*Access Denied.*correct backup\.s3, s3AccessKey and s3SecretKey/,
  );
});

test("a duration is told in the unit that a person would choose", () => {
  assert.deepEqual([60, 600, 7200, 90_000, 200_000].map(span), ["60 s", "10 min", "2 h", "25 h", "2 days"]);
});
