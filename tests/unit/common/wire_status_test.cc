#include <gtest/gtest.h>

#include <string>

#include "common/wire/inventory.h"
#include "common/wire/node.h"
#include "wire_support.h"

namespace vbs::wire {
namespace {

const std::string kId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
const std::string kVolumeStatus =
    R"({"id":")" + kId +
    R"(","size_bytes":1048576,"state":"copying","copied_bytes":5,"allocated_bytes":4096,)"
    R"("snapshot_estimate_ms":12})";
const std::string kSnapshot = R"({"id":")" + kId + R"(","volume":")" + kId +
                              R"(","size_bytes":1048576,"state":"ready","copied_bytes":0})";
const std::string kExportStatus =
    R"({"attachment":")" + kId + R"(","volume":")" + kId +
    R"(","iqn":"iqn.2026-03.org.example:t","portal":"127.0.0.1:3260","lun":1,"serial":")" + kId +
    R"(","initiator":"iqn.2026-03.org.example:vm1","read_only":false,"generation":2,"active":true,)"
    R"("buried":false,"sessions":[{"initiator":"iqn.2026-03.org.example:vm1","address":"127.0.0.1"}],)"
    R"("size_bytes":0})";
const std::string kDeviceStatus =
    R"({"attachment":")" + kId + R"(","vm":"vm1","serial":")" + kId +
    R"(","state":"attached","read_only":true,"guest_device":"/dev/sdb","mounted":true,"size_bytes":33554432,"grows":false})";
const std::string kQuietDevice =
    R"({"attachment":")" + kId +
    R"(","vm":"vm1","serial":"","state":"detaching","read_only":false,"guest_device":null,)"
    R"("mounted":null,"size_bytes":0,"grows":true})";
const std::string kSessionStatus = R"({"attachment":")" + kId + R"(","serial":")" + kId +
                                   R"(","path":"/dev/sdb","generation":7,"size_bytes":4096})";
const std::string kFreeze =
    R"({"id":")" + kId +
    R"(","vm":"vm1","state":"frozen","consistency":"file-system","remaining_ms":4000})";
const std::string kNamedVm = R"({"name":"vm1","state":"running","agent":true})";
const std::string kVm = R"({"name":"vm1","state":"running","agent":true,"uuid":")" + kId + R"("})";
const std::string kNode =
    R"({"name":"vs1","role":"volume-server","version":"0.1.0","driver":"file+tgt","initiator":"",)"
    R"("capacity_bytes":1099511627776,"reserved_bytes":1048576,"snapshots_need_volume":false,)"
    R"("grows_attached":true,)"
    R"("healthy":false,"problem":"tgtd does not answer"})";
const std::string kImage = R"({"id":")" + kId + R"(","name":"debian-12","size_bytes":4194304})";
const std::string kStorage = R"({"volumes":[)" + kVolumeStatus + R"(],"snapshots":[)" + kSnapshot +
                             R"(],"images":[)" + kImage + R"(],"exports":[)" + kExportStatus +
                             R"(],"foreign":["/srv/vbs/notes"]})";
const std::string kVmm = R"({"vms":[)" + kVm + R"(],"devices":[)" + kDeviceStatus + "," +
                         kQuietDevice + R"(],"sessions":[)" + kSessionStatus + R"(],"freezes":[)" +
                         kFreeze + "]}";

template <class T>
void check(const std::string& text) {
  SCOPED_TRACE(text);
  const auto status = read<T>(text);
  ASSERT_TRUE(status) << describe(status.error());
  EXPECT_EQ(text_of(*status), text);

  // A delegate one version newer says more.
  std::string newer = text;
  newer.insert(1, R"("new":{"deep":[1]},)");
  const auto understood = read<T>(newer);
  ASSERT_TRUE(understood) << describe(understood.error());
  EXPECT_EQ(text_of(*understood), text);
}

TEST(WireStatus, RoundTripsAndToleratesNewerPeers) {
  check<VolumeStatus>(kVolumeStatus);
  check<SnapshotStatus>(kSnapshot);
  check<ImageStatus>(kImage);
  check<ExportStatus>(kExportStatus);
  check<DeviceStatus>(kDeviceStatus);
  check<DeviceStatus>(kQuietDevice);
  check<SessionStatus>(kSessionStatus);
  check<FreezeStatus>(kFreeze);
  check<VmStatus>(kVm);
  check<VmStatus>(kNamedVm);
  check<NodeStatus>(kNode);
  check<VolumeServerInventory>(kStorage);
  check<VmmInventory>(kVmm);
}

TEST(WireStatus, NewMembersInsideListsAreTolerated) {
  std::string text = kStorage;
  text.insert(text.find(R"("address")"), R"("new":1,)");
  text.insert(text.find(R"("id")"), R"("new":1,)");
  const auto inventory = read<VolumeServerInventory>(text);
  ASSERT_TRUE(inventory) << describe(inventory.error());
  EXPECT_EQ(inventory->exports[0].sessions[0].address, "127.0.0.1");
}

TEST(WireStatus, ReadsItsMembers) {
  const auto inventory = read<VmmInventory>(kVmm).value();
  EXPECT_EQ(inventory.devices[0].mounted, true);
  EXPECT_EQ(inventory.devices[0].guest_device, "/dev/sdb");
  EXPECT_EQ(inventory.devices[1].mounted, std::nullopt);
  EXPECT_EQ(inventory.devices[1].guest_device, std::nullopt);
  EXPECT_EQ(inventory.sessions[0].generation, 7);
  EXPECT_EQ(inventory.freezes[0].remaining_ms, 4000);
}

TEST(WireStatus, TextsOfAPeerHaveAnEnd) {
  const std::string sentence(100'000, 'x');
  std::string node = kNode;
  node.replace(node.find("tgtd does not answer"), 20, sentence);
  EXPECT_EQ(read<NodeStatus>(node)->problem, sentence.substr(0, 2'000) + "...");
  std::string device = kDeviceStatus;
  device.replace(device.find("/dev/sdb"), 8, sentence);
  EXPECT_EQ(read<DeviceStatus>(device)->guest_device, sentence.substr(0, 2'000) + "...")
      << "a guest must not be able to spoil its node's answer";
  device.replace(device.find(R"("serial":")" + kId), 10, R"("serial":"\u007f)");
  EXPECT_EQ(read<DeviceStatus>(device)->serial, "?" + kId);
}

struct BadCase {
  std::string from;
  std::string to;
  std::string field;
};

template <class T>
void expect_field_errors(const std::string& good, const std::vector<BadCase>& cases) {
  for (const BadCase& c : cases) {
    std::string text = good;
    const auto at = text.find(c.from);
    ASSERT_NE(at, std::string::npos) << c.from;
    text.replace(at, c.from.size(), c.to);
    const auto status = read<T>(text);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().field, c.field) << status.error().message;
  }
}

TEST(WireStatus, ErrorsNameThePlace) {
  expect_field_errors<VolumeServerInventory>(
      kStorage,
      {{R"("size_bytes":1048576)", R"("size_bytes":"x")", "volumes[0].size_bytes"},
       {R"("state":"copying")", R"("state":"")", "volumes[0].state"},
       {R"("state":"copying")", R"("state":"a\u009b")", "volumes[0].state"},
       {R"("state":"copying")", R"("state":")" + std::string(1025, 'x') + '"', "volumes[0].state"},
       {R"("lun":1)", R"("lun":true)", "exports[0].lun"},
       {R"("address":"127.0.0.1")", R"("address":1)", "exports[0].sessions[0].address"},
       {R"("iqn":"iqn)", R"("iqn":"--iqn)", "exports[0].iqn"},
       {R"("/srv/vbs/notes")", "{}", "foreign[0]"},
       {R"("snapshots":[)", R"("snapshots":[[],)", "snapshots[0]"},
       {R"("foreign")", R"("other")", "foreign"}});
  expect_field_errors<VmmInventory>(
      kVmm, {{R"("agent":true)", R"("agent":null)", "vms[0].agent"},
             {R"("uuid":")", R"("uuid":"x)", "vms[0].uuid"},
             {R"("mounted":null)", R"("mounted":"no")", "devices[1].mounted"},
             {R"("path":"/dev/sdb")", R"("path":false)", "sessions[0].path"}});
  expect_field_errors<NodeStatus>(kNode, {{R"("healthy":false)", R"("healthy":"no")", "healthy"},
                                          {R"("name":"vs1")", R"("name":"")", "name"}});
}

TEST(WireStatus, BytesOfTheHostCannotBreakAnAnswer) {
  VolumeServerInventory inventory;
  inventory.foreign = {"caf\xE9.img"};
  EXPECT_EQ(read<VolumeServerInventory>(text_of(inventory))->foreign[0], "caf\xEF\xBF\xBD.img");
}

}  // namespace
}  // namespace vbs::wire
