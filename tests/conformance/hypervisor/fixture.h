#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/conformance/hypervisor/rig.h"
#include "tests/unit/vmm_delegate/support.h"

namespace vbs::conformance {

using vmm_delegate::Hypervisor;

/// One case on machines of its own: "vm1" runs.
class HypervisorConformance : public testing::Test {
 protected:
  static constexpr std::uint64_t kSize = 8 << 20;

  void SetUp() override {
    rig = make_rig();
    ASSERT_TRUE(rig) << "VBS_CONFORMANCE_DRIVER names no driver";
    hypervisor = make_driver(rig->configuration());
    ASSERT_TRUE(hypervisor) << rig->configuration();
    rig->start("vm1");
  }

  static Uuid id(unsigned number) { return test::test_id(number); }
  static std::string serial(unsigned number) { return test::test_id(1000 + number).str(); }
  static std::string device(unsigned number) {
    return std::string("/dev/sd") + static_cast<char>('a' + number);
  }

  /// The storage of this number as attachment of this number.
  Result<wire::DeviceStatus> attach(unsigned number, const std::string& vm = "vm1",
                                    bool read_only = false, bool there = true) {
    const Storage storage = rig->storage(number, read_only, there);
    return attach_storage(*hypervisor, number, vm, storage);
  }
  static Result<wire::DeviceStatus> attach_storage(Hypervisor& driver, unsigned number,
                                                   const std::string& vm, const Storage& storage) {
    const wire::DeviceSpec spec{vm, device(number), storage.session};
    return driver.attach(id(number), spec, storage.host_path);
  }
  Result<vmm_delegate::Detachment> detach(unsigned number, const std::string& vm = "vm1") {
    return hypervisor->detach(vm, id(number));
  }

  /// Does it again until it is done or refused for good, as the front service does.
  template <class T>
  static Result<T> settle(const std::function<Result<T>()>& act) {
    Result<T> result = act();
    for (int tries = 0; tries < 60 && !result && is_transient(result.error().code); ++tries) {
      std::this_thread::sleep_for(Milliseconds(500));
      result = act();
    }
    return result;
  }
  /// Until the VM holds nothing of it; whether that came.
  bool detach_settled(unsigned number, const std::string& vm = "vm1") {
    return test::eventually([&] {
      const auto detached = detach(number, vm);
      return detached && detached->waiting_for.empty();
    });
  }

  /// Of VBS, as the VM itself says.
  std::vector<std::string> serials(const std::string& vm = "vm1") {
    std::vector<std::string> all;
    for (const ShownDisk& disk : rig->disks(vm)) {
      if (disk.serial != Rig::kForeign) all.push_back(disk.serial);
    }
    return all;
  }
  bool shows_foreign(const std::string& vm = "vm1") {
    for (const ShownDisk& disk : rig->disks(vm)) {
      if (disk.serial == Rig::kForeign) return true;
    }
    return false;
  }

  using Serials = std::vector<std::string>;
  std::unique_ptr<Rig> rig;
  std::unique_ptr<Hypervisor> hypervisor;
};

}  // namespace vbs::conformance
