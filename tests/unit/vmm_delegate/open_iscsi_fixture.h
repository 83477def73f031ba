#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/fakes/fake_iscsi_host.h"
#include "tests/unit/vmm_delegate/support.h"
#include "vmm_delegate/initiator/open_iscsi.h"

namespace vbs::vmm_delegate {

using fakes::FakeIscsiHost;
using test::test_id;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kInterface = "vbs-hv1";

/// The driver on a host that is a folder.
class OpenIscsiTest : public testing::Test {
 protected:
  OpenIscsiTest() {
    options.records = {kInterface, "iqn.2026-01.vbs:node-hv1", Milliseconds(5'000),
                       Milliseconds(120'000)};
    options.iscsi_folder = host.path("iscsi");
    options.sysfs = host.path("sys");
    options.limit = Milliseconds(3'000);
    options.patience = Milliseconds(50);
    options.iscsiadm.interface = kInterface;
    options.iscsiadm.lock_folder = host.path("lock");
    options.iscsiadm.run = [this](const process::Command& command) { return host.run(command); };
    options.trial = [this](const wire::SessionSpec&, Milliseconds) { return trial; };
    host.set_target(spec.iqn, {spec.volume.str(), 0});
  }

  OpenIscsi& driver() {
    if (!driver_) driver_ = std::make_unique<OpenIscsi>(options, host.scsi_layer());
    return *driver_;
  }
  Result<void> prepare() {
    return driver().prepare(
        [this](const Uuid& attachment) { return removed.contains(attachment); });
  }
  Error refusal() {
    const auto status = driver().log_in(id, spec);
    return status ? Error{ErrorCode::internal, "it succeeded", {}, {}, {}} : status.error();
  }
  std::string record_path() const {
    const auto portal = split_portal(spec.portal);
    return host.path("iscsi") + "/nodes/" + spec.iqn + "/" + portal->address + "," + portal->port +
           ",1/" + kInterface;
  }
  bool has_record() const { return std::filesystem::exists(record_path()); }
  void write_record(const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(record_path()).parent_path());
    std::ofstream(record_path()) << text;
  }
  static wire::SessionSpec make_spec() {
    wire::SessionSpec spec = test::device_spec("", test_id(100), 7).session;
    spec.iqn = "iqn.2026-01.vbs:" + test_id(1).str();
    return spec;
  }

  FakeIscsiHost host;
  const Uuid id = test_id(1);
  wire::SessionSpec spec = make_spec();
  OpenIscsiOptions options;
  Result<std::string> trial = std::string();
  std::set<Uuid> removed;  ///< as the orders that this node has seen tell

 private:
  std::unique_ptr<OpenIscsi> driver_;
};

}  // namespace vbs::vmm_delegate
