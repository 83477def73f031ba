#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/front.h"
#include "common/thread_pool.h"
#include "db/database.h"
#include "tests/fakes/fake_backing_store.h"
#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/fake_initiator.h"
#include "tests/fakes/fake_lease_helper.h"
#include "tests/fakes/fake_target_driver.h"
#include "tests/fakes/memory_records.h"
#include "tests/fakes/sim_executor.h"
#include "tests/fakes/sim_network.h"
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

/// The real volume-server services over a store and a target in memory.
class VolumeNode {
 public:
  VolumeNode(std::string name, Clock& clock, fakes::SimWorld& world);

  fakes::FakeBackingStore store{1ULL << 40};
  fakes::FakeTargetDriver target;
  fakes::MemoryRecords export_folder;
  fakes::MemoryRecords tombstone_folder;
  /// What initiators see of a volume; 0 where it is not exported.
  std::uint64_t shown_size(const Uuid& volume);

  /// As SIGKILL would between two orders, and starts it anew: copies under way are gone with what
  /// they had made, as the real stores see to at their start; what was written down stays.
  void restart();

  http::Router router;
  Milliseconds copy_time{700};  ///< of one copy

 private:
  const std::string name_;
  Clock& clock_;
  fakes::SimWorld& world_;
  /// As the program does, only less often.
  void tend_from_now_on();
  /// A task of this incarnation: nothing of it happens after its death.
  Task mortal(Task task);

  std::shared_ptr<bool> alive_;
  std::unique_ptr<volume_delegate::ExportRecords> exports_;
  std::unique_ptr<volume_delegate::Tombstones> tombstones_;
  std::unique_ptr<volume_delegate::VolumeServer> server_;
};

using InitiatorKind = fakes::FakeInitiator::Kind;

/// The real VMM services over virtual machines in memory.
class VmmNode {
 public:
  VmmNode(std::string name, const Folder& folder, Clock& clock, fakes::SimWorld& world,
          InitiatorKind kind = InitiatorKind::of_vms);

  fakes::FakeHypervisor hypervisor;
  fakes::FakeInitiator initiator;
  http::Router router;

  /// As SIGKILL would, and starts it anew; the lease helper is a process of its own.
  void restart();

 private:
  struct Delegate;
  const std::string name_;
  const Folder& folder_;
  Clock& clock_;
  vmm_delegate::FreezeStore freezes_;
  fakes::FakeLeaseHelper helper_;
  ThreadPool quick_{"sim-quick", 1, 8};
  ThreadPool slow_{"sim-slow", 1, 8};
  std::shared_ptr<Delegate> delegate_;
};

/// One front, one volume server "vs1" and one VMM node "hv1" with the VMs "vm1" and "vm2": the real
/// engine, database and services on simulated time, all from one seed.
class World {
 public:
  explicit World(std::uint64_t seed, InitiatorKind kind = InitiatorKind::of_vms);
  ~World();

  void start_front();
  /// As SIGKILL would: what was posted is gone, what was committed stays.
  void kill_front();
  bool front_runs() const { return front_ != nullptr; }

  /// Sends a request to the front; the answer is in `Answer` once the world has run long enough.
  struct Answer {
    std::optional<http::Response> response;
    unsigned status() const { return response ? response->status : 0; }
    /// "" if there is none.
    std::string member(const std::string& resource, const std::string& name) const;
  };
  std::shared_ptr<Answer> send(http::Method method, const std::string& path,
                               const std::string& body = "", const std::string& key = "");
  std::shared_ptr<Answer> send(http::Request request);
  /// Sends, and runs the world until the answer and until its operation has ended.
  Answer carry_out(http::Method method, const std::string& path, const std::string& body = "",
                   const std::string& key = "");
  Answer carry_out(http::Request request);
  /// A request of whoever holds `token`; "" shows none. The path may have a query.
  static http::Request request(http::Method method, const std::string& path,
                               const std::string& body = "", const std::string& token = "");

  bool at_rest();
  /// Runs until no operation is live; false if that takes longer than an hour of simulated time.
  bool settle();
  /// Some operation that is live; "" if there is none.
  std::string live_operation();
  /// What is really there: volumes, snapshots, targets, devices and sessions of hosts.
  std::set<std::string> there();
  /// What should be there as the rows say, by the same names.
  std::set<std::string> wanted();
  /// Everything that rows and world disagree about; empty when all is well.
  std::vector<std::string> disagreements();
  /// How many rows a table of the database has.
  std::int64_t rows(const std::string& table);
  /// The journal as text: equal texts, equal runs.
  std::string journal();

  std::string create_volume();
  std::string attach(const std::string& volume, const std::string& vm = "vm1");

  fakes::SimWorld time;
  fakes::SimRandom random;
  fakes::SimRandom chance;  ///< of faults and of what the test does; apart from the front's
  fakes::SimClock clock{time};
  Folder folder;
  fakes::SimNetwork network{time, chance};
  VolumeNode volumes;
  VmmNode vmm;
  api::Settings settings;  ///< of the next front
  std::string tokens;      ///< of the next front, as in a tokens file; "" lets everybody in

 private:
  void wrong_sizes(const db::Volume& row, std::vector<std::string>& found);

  const InitiatorKind kind_;
  std::unique_ptr<fakes::SimExecutor> executor_;
  std::unique_ptr<fakes::SimDelegateClient> delegates_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<api::Front> front_;
};

}  // namespace vbs::sim
