#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/front.h"
#include "db/database.h"
#include "tests/fakes/sim_executor.h"
#include "tests/fakes/sim_network.h"
#include "tests/sim/nodes.h"

namespace vbs::sim {

/// One front, one volume server "vs1" and one VMM node "hv1" with the VMs "vm1" and "vm2": the real
/// engine, database and services on simulated time, all from one seed.
class World {
 public:
  explicit World(std::uint64_t seed, InitiatorKind kind = InitiatorKind::of_vms);
  ~World();

  void start_front();
  /// As SIGKILL would: what was posted is gone, what was committed stays.
  void kill_front() { front_life_.kill(); }
  bool front_runs() const { return front_ != nullptr; }
  int front_starts() const { return front_starts_; }
  /// Dies, and is started again after a while. Not for the process that runs: that throws Death.
  void die(Process process);

  /// Sends a request to the front; the answer is in `Answer` once the world has run long enough,
  /// and never where the front does not run.
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
  /// Those that are not closed.
  std::vector<db::Attachment> attachments();
  /// How many rows a table of the database has.
  std::int64_t rows(const std::string& table);
  /// The journal as text: equal texts, equal runs.
  std::string journal();
  /// Every row of every table of the database, as text.
  std::vector<std::string> dump();

  std::string create_volume();
  std::string attach(const std::string& volume, const std::string& vm = "vm1");

  fakes::SimWorld time;
  fakes::SimRandom random;
  fakes::SimRandom chance;  ///< of faults and of what the test does; apart from the front's
  fakes::SimClock clock{time};
  Folder folder;
  Moments moments;
  const Surroundings around{folder, clock, time, moments};
  fakes::SimNetwork network{time, chance};
  VolumeNode volumes;
  VmmNode vmm;
  api::Settings settings;  ///< of the next front
  std::string tokens;      ///< of the next front, as in a tokens file; "" lets everybody in

 private:
  Result<void> make_front();
  void drop_front();
  void wrong_sizes(const db::Volume& row, std::vector<std::string>& found);

  const InitiatorKind kind_;
  std::unique_ptr<fakes::SimExecutor> executor_;
  std::unique_ptr<fakes::SimDelegateClient> delegates_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<api::Front> front_;
  int front_starts_ = 0;
  Life front_life_;
};

}  // namespace vbs::sim
