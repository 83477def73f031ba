#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/http/router.h"
#include "tests/fakes/fake_backing_store.h"
#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/fake_initiator.h"
#include "tests/fakes/fake_lease_helper.h"
#include "tests/fakes/fake_target_driver.h"
#include "tests/fakes/memory_records.h"
#include "tests/sim/life.h"
#include "tests/sim/outside.h"
#include "vmm_delegate/routes.h"
#include "volume_delegate/volume_server.h"

namespace vbs::sim {

/// A folder that goes with the test.
class Folder {
 public:
  Folder();
  ~Folder();
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// What is the same in every world.
struct Surroundings {
  const Folder& folder;
  Clock& clock;
  fakes::SimWorld& time;
  Moments& moments;
};

/// The real volume-server services over a store and a target in memory.
class VolumeNode {
 public:
  VolumeNode(std::string name, const Surroundings& around);

  fakes::FakeBackingStore store{1ULL << 40};
  fakes::FakeTargetDriver target;
  fakes::MemoryRecords export_folder;
  fakes::MemoryRecords tombstone_folder;
  /// What initiators see of a volume; 0 where it is not exported.
  std::uint64_t shown_size(const Uuid& volume);
  /// The serial number that somebody sees who logs in.
  Result<std::string> log_in(const wire::SessionSpec& spec);

  Result<http::Response> serve(http::Request request);
  void restart();
  void die() { life_.die(); }

  Milliseconds copy_time{700};  ///< of one copy

 private:
  Result<void> start();
  void stop();
  /// As the program does, only less often.
  void tend_from_now_on();

  const std::string name_;
  const Surroundings around_;
  OutsideStore outside_store_{store, around_.moments};
  OutsideTarget outside_target_{target, around_.moments};
  OutsideRecords outside_exports_{export_folder, around_.moments};
  OutsideRecords outside_tombstones_{tombstone_folder, around_.moments};
  http::Router router_;
  std::unique_ptr<volume_delegate::ExportRecords> exports_;
  std::unique_ptr<volume_delegate::Tombstones> tombstones_;
  std::unique_ptr<volume_delegate::VolumeServer> server_;
  Life life_;
};

using InitiatorKind = fakes::FakeInitiator::Kind;
/// Who logs in to targets.
std::string_view to_string(InitiatorKind kind);

/// The real VMM services over virtual machines in memory.
class VmmNode {
 public:
  VmmNode(std::string name, const Surroundings& around, InitiatorKind kind);
  ~VmmNode();

  fakes::FakeHypervisor hypervisor;
  fakes::FakeInitiator initiator;

  Result<http::Response> serve(http::Request request);
  /// The lease helper is a process of its own.
  void restart();
  void die() { life_.die(); }

 private:
  struct Delegate;
  Result<void> start();
  void stop();

  const std::string name_;
  const Surroundings around_;
  OutsideHypervisor outside_hypervisor_{hypervisor, around_.moments};
  OutsideInitiator outside_initiator_{initiator, around_.moments};
  vmm_delegate::FreezeStore freezes_;
  fakes::FakeLeaseHelper helper_;
  OutsideLeaseHelper outside_helper_{helper_, around_.moments};
  http::Router router_;
  std::unique_ptr<Delegate> delegate_;
  Life life_;
};

}  // namespace vbs::sim
