#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "common/units.h"
#include "common/wire/device.h"
#include "common/wire/export.h"
#include "common/wire/freeze.h"
#include "common/wire/session.h"
#include "common/wire/size.h"
#include "common/wire/snapshot.h"
#include "common/wire/volume.h"
#include "wire_support.h"

namespace vbs::wire {
namespace {

constexpr const char* kVolume = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

// `text` with `from` replaced by `to`; the test fails if it is not there.
std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

template <class T>
void expect_field_error(const std::string& text, const std::string& field) {
  const auto spec = read<T>(text);
  ASSERT_FALSE(spec) << text;
  EXPECT_EQ(spec.error().code, ErrorCode::invalid_field) << text;
  EXPECT_EQ(spec.error().field, field) << text << ": " << spec.error().message;
}

const std::string kExport =
    R"({"volume":"017f22e2-79b0-7cc3-98c4-dc0c0c07398f","initiator":"iqn.2026-03.org.example:vm1",)"
    R"("chap_user":"u","chap_secret":"0123456789abcdef","read_only":true,"generation":3})";
const std::string kSession =
    R"({"volume":"017f22e2-79b0-7cc3-98c4-dc0c0c07398f","portal":"127.0.0.1:3260",)"
    R"("iqn":"iqn.2026-03.org.example:t1","lun":1,"chap_user":"u",)"
    R"("chap_secret":"0123456789abcdef","read_only":false,"generation":9007199254740993})";
const std::string kDevice = R"({"vm":"vm1","device":"/dev/sdb","session":)" + kSession + "}";

const std::string kDeviceOfOneVm =
    with(kDevice, "}}", R"(},"vm_uuid":"017f22e2-79b0-7cc3-98c4-dc0c0c07398f"})");

TEST(WireSpec, RoundTrips) {
  const std::string plain = R"({"size_bytes":1048576})";
  const std::string clone =
      R"({"size_bytes":1048576,"source_kind":"snapshot","source":")" + std::string(kVolume) + "\"}";
  const std::string imaged =
      R"({"size_bytes":1048576,"source_kind":"image","source":")" + std::string(kVolume) + "\"}";
  const std::string snapshot = R"({"volume":")" + std::string(kVolume) + "\"}";
  const std::string freeze = R"({"vm":"vm1","lease_ms":5000,"pause":true})";
  const std::string freeze_of_one_vm =
      R"({"vm":"vm1","lease_ms":5000,"pause":true,"vm_uuid":")" + std::string(kVolume) + "\"}";
  EXPECT_EQ(text_of(read<VolumeSpec>(plain).value()), plain);
  EXPECT_EQ(text_of(read<VolumeSpec>(clone).value()), clone);
  EXPECT_EQ(text_of(read<VolumeSpec>(imaged).value()), imaged);
  EXPECT_EQ(text_of(read<SnapshotSpec>(snapshot).value()), snapshot);
  EXPECT_EQ(text_of(read<ExportSpec>(kExport).value()), kExport);
  EXPECT_EQ(text_of(read<SessionSpec>(kSession).value()), kSession);
  EXPECT_EQ(text_of(read<DeviceSpec>(kDevice).value()), kDevice);
  EXPECT_EQ(text_of(read<DeviceSpec>(kDeviceOfOneVm).value()), kDeviceOfOneVm);
  EXPECT_EQ(text_of(read<FreezeSpec>(freeze_of_one_vm).value()), freeze_of_one_vm);
  EXPECT_EQ(text_of(read<FreezeSpec>(freeze).value()), freeze);
}

TEST(WireSpec, ReadsItsMembers) {
  const auto spec = read<DeviceSpec>(kDevice).value();
  EXPECT_EQ(spec.vm, "vm1");
  EXPECT_EQ(spec.session.volume.str(), kVolume);
  EXPECT_EQ(spec.session.chap_secret.reveal(), "0123456789abcdef");
  EXPECT_EQ(spec.session.generation, 9007199254740993);
  EXPECT_EQ(read<DeviceSpec>(with(kDevice, "/dev/sdb", "sdc"))->device, "/dev/sdc");
}

TEST(WireSpec, MembersOfANewerFrontArePassedOver) {
  const std::string more = R"({"new":{"deep":[1]},)";
  const std::string snapshot = R"({"volume":")" + std::string(kVolume) + "\"}";
  EXPECT_TRUE(read<VolumeSpec>(more + R"("size_bytes":1048576})"));
  EXPECT_TRUE(read<VolumeSizeSpec>(more + R"("size_bytes":1048576})"));
  EXPECT_TRUE(read<SnapshotSpec>(with(snapshot, "{", more)));
  EXPECT_EQ(text_of(read<ExportSpec>(with(kExport, "{", more)).value()), kExport);
  EXPECT_EQ(text_of(read<SessionSpec>(with(kSession, "{", more)).value()), kSession);
  EXPECT_EQ(text_of(read<DeviceSpec>(with(kDevice, "{", more)).value()), kDevice);
  EXPECT_EQ(text_of(read<DeviceSpec>(with(kDevice, R"("portal")", R"("x":1,"portal")")).value()),
            kDevice);
  EXPECT_TRUE(read<FreezeSpec>(more + R"("vm":"a","lease_ms":1,"pause":false})"));
}

// To forget one of them would be to do something else.
TEST(WireSpec, WhatRestrictsMustBeSaid) {
  expect_field_error<ExportSpec>(with(kExport, R"("read_only":true,)", ""), "read_only");
  expect_field_error<SessionSpec>(with(kSession, R"("read_only":false,)", ""), "read_only");
  expect_field_error<FreezeSpec>(R"({"vm":"a","lease_ms":1})", "pause");
}

TEST(WireSpec, VolumeErrors) {
  expect_field_error<VolumeSpec>("{}", "size_bytes");
  expect_field_error<VolumeSpec>(R"({"size_bytes":"1M"})", "size_bytes");
  expect_field_error<VolumeSpec>(R"({"size_bytes":0})", "size_bytes");
  expect_field_error<VolumeSpec>(R"({"size_bytes":1048577})", "size_bytes");
  expect_field_error<VolumeSpec>(R"({"size_bytes":18446744073709551615})", "size_bytes");
  expect_field_error<VolumeSpec>(R"({"size_bytes":1048576,"source_kind":"snapshot"})", "source");
  expect_field_error<VolumeSpec>(
      R"({"size_bytes":1048576,"source_kind":"tape","source":"017f22e2-79b0-7cc3-98c4-dc0c0c07398f"})",
      "source_kind");
  expect_field_error<VolumeSpec>(
      R"({"size_bytes":1048576,"source":"017f22e2-79b0-7cc3-98c4-dc0c0c07398f"})", "source");
  expect_field_error<SnapshotSpec>(R"({"volume":"x"})", "volume");
}

TEST(WireSpec, ExportErrors) {
  expect_field_error<ExportSpec>(with(kExport, kVolume, "../etc"), "volume");
  expect_field_error<ExportSpec>(with(kExport, "iqn.2026", "IQN.2026"), "initiator");
  expect_field_error<ExportSpec>(with(kExport, R"("chap_user":"u")", R"("chap_user":"")"),
                                 "chap_user");
  expect_field_error<ExportSpec>(with(kExport, R"("chap_user":"u")", R"("chap_user":"u v")"),
                                 "chap_user");
  expect_field_error<ExportSpec>(with(kExport, R"("generation":3)", R"("generation":0)"),
                                 "generation");
  expect_field_error<ExportSpec>(with(kExport, R"("read_only":true)", R"("read_only":1)"),
                                 "read_only");
}

TEST(WireSpec, SecretsStayOutOfMessages) {
  const auto spec = read<ExportSpec>(with(kExport, "0123456789abcdef", "hush hush"));
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().field, "chap_secret");
  EXPECT_THAT(describe(spec.error()), testing::Not(testing::HasSubstr("hush")));
}

TEST(WireSpec, SessionAndDeviceErrors) {
  expect_field_error<SessionSpec>(with(kSession, "127.0.0.1:3260", "127.0.0.1 -x"), "portal");
  expect_field_error<SessionSpec>(with(kSession, R"("lun":1)", R"("lun":4294967296)"), "lun");
  expect_field_error<SessionSpec>(with(kSession, R"("lun":1)", R"("lun":-1)"), "lun");
  expect_field_error<DeviceSpec>(with(kDevice, "/dev/sdb", "/dev/sda"), "device");
  expect_field_error<DeviceSpec>(with(kDevice, R"("vm":"vm1")", R"("vm":"../vm1")"), "vm");
  expect_field_error<DeviceSpec>(with(kDevice, kVolume, "x"), "session.volume");
  expect_field_error<DeviceSpec>(with(kDevice, "}}", R"(},"vm_uuid":"x"})"), "vm_uuid");
  expect_field_error<DeviceSpec>(R"({"vm":"vm1","device":"/dev/sdb","session":[]})", "session");
  expect_field_error<DeviceSpec>(R"({"vm":"vm1","device":"/dev/sdb"})", "session");
}

TEST(WireSpec, FreezeErrors) {
  expect_field_error<FreezeSpec>(R"({"vm":"vm1"})", "lease_ms");
  expect_field_error<FreezeSpec>(R"({"vm":"vm1","lease_ms":1,"pause":true,"vm_uuid":"x"})",
                                 "vm_uuid");
  expect_field_error<FreezeSpec>(R"({"vm":"vm1","lease_ms":0})", "lease_ms");
  expect_field_error<FreezeSpec>(R"({"vm":"vm1","lease_ms":600001})", "lease_ms");
  expect_field_error<FreezeSpec>(R"({"vm":"","lease_ms":1})", "vm");
}

TEST(WireSpec, ABodyThatIsNoObjectIsNotUnderstood) {
  for (const char* text : {"[]", "null", "\"x\""}) {
    EXPECT_EQ(read<VolumeSpec>(text).error().code, ErrorCode::invalid_request);
    EXPECT_EQ(read<FreezeSpec>(text).error().code, ErrorCode::invalid_request);
  }
}

TEST(WireSpec, SizesRoundTripAndNameTheirFields) {
  const std::string volume = R"({"size_bytes":1048576})";
  const std::string exported = R"({"size_bytes":1048576,"generation":3})";
  const std::string session = R"({"size_bytes":1048576,"session":)" + kSession + "}";
  const std::string device = R"({"size_bytes":1048576,"vm":"vm1","generation":3})";
  EXPECT_EQ(text_of(read<VolumeSizeSpec>(volume).value()), volume);
  EXPECT_EQ(text_of(read<ExportSizeSpec>(exported).value()), exported);
  EXPECT_EQ(text_of(read<SessionSizeSpec>(session).value()), session);
  EXPECT_EQ(text_of(read<DeviceSizeSpec>(device).value()), device);
  for (const char* wrong : {"0", "1", "-1048576", "1048577", "\"1M\"", "null"}) {
    expect_field_error<VolumeSizeSpec>(with(volume, "1048576", wrong), "size_bytes");
    expect_field_error<DeviceSizeSpec>(with(device, "1048576", wrong), "size_bytes");
  }
  expect_field_error<ExportSizeSpec>(with(exported, ":3", ":0"), "generation");
  expect_field_error<SessionSizeSpec>(with(session, R"("lun":1)", R"("lun":-1)"), "session.lun");
  expect_field_error<DeviceSizeSpec>(with(device, "vm1", "../x"), "vm");
}

}  // namespace
}  // namespace vbs::wire
