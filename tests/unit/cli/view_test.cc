#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/json_view.h"
#include "cli/service_view.h"
#include "cli/volume_view.h"
#include "tests/unit/cli/support.h"

namespace vbs::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::parsed;

const WallTime kNow = from_millis(1'772'366'700'000);  // 2026-03-01T12:05:00Z

json::Value::Array array(std::string_view text) {
  return *parsed(text).find("a")->as<json::Value::Array>();
}

TEST(JsonView, ShowsADashForWhatIsNotThere) {
  const auto value =
      parsed(R"({"null":null,"empty":"","text":"x","number":5,"flag":true,"neg":-1})");
  EXPECT_EQ(text_of(value, "absent"), "-");
  EXPECT_EQ(text_of(value, "null"), "-");
  EXPECT_EQ(text_of(value, "empty"), "-");
  EXPECT_EQ(text_of(value, "text"), "x");
  EXPECT_EQ(text_of(value, "number"), "5");
  EXPECT_EQ(text_of(value, "flag"), "yes");
  EXPECT_EQ(size_of(value, "text"), "-");
  EXPECT_EQ(size_of(value, "neg"), "-");
  EXPECT_EQ(age_of(value, "text", kNow), "-");
  EXPECT_TRUE(array_of(value, "text").empty());
  EXPECT_EQ(tags_of(value, "text"), "-");
}

TEST(VolumeTable, ShowsOneLineAVolume) {
  const auto volumes = array(R"({"a":[{"id":"i1","name":"db","size_bytes":33554432,"state":"in-use",
    "volume_server":"vs1","project":"p","created_at":"2026-03-01T12:00:00.000Z","attachments":[
      {"vm":"w1","device":"/dev/sdb"},{"vm":"w2","device":"/dev/sdc","read_only":true}]}]})");
  EXPECT_EQ(volume_table(volumes, kNow, false),
            "ID  NAME  SIZE  STATE   ATTACHED TO                           SERVER  AGE\n"
            "i1  db     32M  in-use  w1:/dev/sdb, w2:/dev/sdc (read-only)  vs1      5m\n");
  EXPECT_THAT(volume_table(volumes, kNow, true), HasSubstr("ID  PROJECT  NAME"));
}

TEST(ImageTable, ShowsWhereEachIs) {
  const auto images = array(R"({"a":[
    {"id":"i1","name":"debian-12","size_bytes":3221225472,"volume_servers":["vs1","vs2"]},
    {"id":"i2","name":null,"size_bytes":1048576,"volume_servers":["vs1"]}]})");
  EXPECT_EQ(image_table(images),
            "ID  NAME       SIZE  SERVERS\n"
            "i1  debian-12    3G  vs1, vs2\n"
            "i2  -            1M  vs1\n");
}

TEST(VolumeDetails, ShowsReasonSourceOperationAndAttachments) {
  const auto volume = parsed(R"({"id":"i1","size_bytes":1073741824,"state":"error",
    "reason":"wipe\u001bfailed","source":{"type":"snapshot","id":"s1"},"tags":{"a":"1","b":"2"},
    "operation":{"id":"o1","kind":"delete-volume"},
    "attachments":[{"id":"a1","vm":"w1","node":"n1","device":"/dev/sdb","state":"attached"}]})");
  const std::string text = volume_details(volume, kNow);
  EXPECT_THAT(text, HasSubstr("size:           1G (1073741824 bytes)\n"));
  EXPECT_THAT(text, HasSubstr("state:          error (wipe\\x1bfailed)\n"));
  EXPECT_THAT(text, HasSubstr("made from:      snapshot s1\n"));
  EXPECT_THAT(text, HasSubstr("tags:           a=1, b=2\n"));
  EXPECT_THAT(text, HasSubstr("operation:      delete-volume o1\n"));
  EXPECT_THAT(text,
              HasSubstr("a1          w1  n1    /dev/sdb  -             read-write  attached"));
}

TEST(OperationDetails, SaysWhatItWaitsForAndWhatHappened) {
  const auto operation = parsed(R"({"id":"o1","kind":"attach-volume","state":"undoing",
    "step":"export","step_number":2,"steps":["reserve","export"],"notes":["check the guest"],
    "waiting":{"for":"node vs1 to answer","since":"2026-03-01T12:00:00.000Z","attempt":3,
               "next_retry_at":"2026-03-01T12:05:10.000Z"},
    "error":{"code":"conflict","message":"in use","field":"device","node":"n1"},
    "events":[{"at":"t","step":"reserve","what":"done","node":null,"message":"","elapsed_ms":12}]})");
  const std::string text = operation_details(operation, kNow);
  EXPECT_THAT(text, HasSubstr("2/2 export\n"));
  EXPECT_THAT(text, HasSubstr("node vs1 to answer, for 5m, attempt 3, next try at "
                              "2026-03-01T12:05:10.000Z\n"));
  EXPECT_THAT(text, HasSubstr("conflict: in use (field device) (node n1)\n"));
  EXPECT_THAT(text, HasSubstr("note:  check the guest\n"));
  EXPECT_THAT(text, HasSubstr("t   reserve  done  -     12 ms  -\n"));
}

TEST(OperationTable, NamesTheMostSpecificResource) {
  const auto operations = array(R"({"a":[
    {"id":"1","snapshot_id":"snap","volume_id":"vol"},{"id":"2","volume_id":"vol"},
    {"id":"3","volume_id":null,"node":"vs1"},{"id":"4"}]})");
  const std::string text = operation_table(operations, kNow, false);
  EXPECT_THAT(text, HasSubstr("1   -     -      -     snap"));
  EXPECT_THAT(text, HasSubstr("2   -     -      -     vol"));
  EXPECT_THAT(text, HasSubstr("3   -     -      -     vs1"));
  EXPECT_THAT(text, HasSubstr("4   -     -      -     -"));
}

TEST(OperationTable, KeepsALongWaitShort) {
  const std::string reason(200, 'x');
  const auto operations = array(R"({"a":[{"id":"1","waiting":{"for":")" + reason + R"("}}]})");
  const std::string text = operation_table(operations, kNow, false);
  EXPECT_THAT(text, HasSubstr(std::string(60, 'x') + "...  "));
  EXPECT_THAT(text, Not(HasSubstr(std::string(61, 'x'))));
}

TEST(NodeTable, ShowsRoomOfVolumeServersOnly) {
  const auto nodes = array(R"({"a":[
    {"name":"vs1","role":"volume-server","state":"up","driver":"file","version":"1",
     "capacity_bytes":1073741824,"reserved_bytes":0,"free_bytes":1073741824,"problem":null},
    {"name":"h1","role":"vmm","state":"down","driver":"","problem":"does not answer"}]})");
  const std::string text = node_table(nodes, kNow);
  EXPECT_THAT(text, HasSubstr("vs1   volume-server  up     file    1              1G"));
  EXPECT_THAT(text, HasSubstr("does not answer"));
}

TEST(AuditReport, SaysWhetherItHasEverLookedAndWhatItFound) {
  const std::string never = audit_report(parsed(R"({"swept_at":null,"findings":[]})"), kNow);
  EXPECT_THAT(never, HasSubstr("never"));
  EXPECT_THAT(never, Not(HasSubstr("KIND")));
  const std::string found =
      audit_report(parsed(R"({"swept_at":"2026-03-01T12:00:00.000Z","sweep_ms":41,
        "destructive_actions":"stopped: vs1 lost everything","findings":[{"kind":"missing-volume",
        "node":"vs1","resource":"v1","detail":"gone","since":"t","action":"reported"}]})"),
                   kNow);
  EXPECT_THAT(found, HasSubstr("stopped: vs1 lost everything"));
  EXPECT_THAT(found, HasSubstr("missing-volume  vs1   v1"));
}

TEST(AuditRecordTable, SaysWhoDidWhatAndWhenByForce) {
  const std::string text = audit_record_table(array(R"({"a":[
    {"sequence":7,"at":"t","principal":"max","role":"member","project":"web",
     "action":"detach-volume","force":true,"volume_id":"v","snapshot_id":null,"attachment_id":"a",
     "vm":"web1","node":"h1","operation_id":"o","request_id":"r"},
    {"sequence":12,"at":"t","principal":"reconciler","role":"service","project":null,
     "action":"record-loss","force":false,"volume_id":"v","snapshot_id":"s","operation_id":null}]})"));
  EXPECT_THAT(text,
              HasSubstr("     7  t   max         member   web      detach-volume --force  v"));
  EXPECT_THAT(text,
              HasSubstr("    12  t   reconciler  service  -        record-loss            s"));
}

TEST(UsageReport, ShowsLimitsWhereThereAreSome) {
  const std::string text = usage_report(parsed(
      R"({"project":"p","volumes":3,"snapshots":1,"bytes":1048576,
          "quota":{"volumes":10,"snapshots":null,"bytes":1073741824}})"));
  EXPECT_THAT(text, HasSubstr("volumes:    3 of 10\n"));
  EXPECT_THAT(text, HasSubstr("snapshots:  1 (no limit)\n"));
  EXPECT_THAT(text, HasSubstr("size:       1M of 1G\n"));
}

}  // namespace
}  // namespace vbs::cli
