#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/chaos.h"
#include "tests/sim/watchman.h"

namespace vbs::sim {

/// What users might ask for while things go wrong, all of it from one seed: the same seed is the
/// same run. Afterwards nothing may be left of it but what the rows say.
class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed);

  /// Everything that is wrong; empty when all is well.
  const std::vector<std::string>& findings() const { return findings_; }
  /// Of the run: what goes wrong in it, and the journal.
  std::string story();
  World& world() { return world_; }

 private:
  void go();
  void ask();
  std::uint64_t pause_ms();
  void check(const std::string& when);
  void check_keys();

  void remember(std::vector<std::string>& ids, std::shared_ptr<World::Answer> answer,
                std::string resource);
  void collect();
  std::string any(const std::vector<std::string>& ids);
  void send_to(const std::vector<std::string>& ids, http::Method method, const std::string& before,
               const std::string& after, const std::string& body);
  void make_volume();
  void attach();
  void detach();
  void grow();
  void snapshot();
  void cancel();
  void cancel_soon(std::shared_ptr<World::Answer> answer);

  World world_;
  Chaos chaos_;
  Watchman watchman_;
  std::vector<std::string> volumes_, snapshots_, attachments_, operations_;
  std::vector<std::function<bool()>> pending_;
  /// Of two requests with the same key.
  std::vector<std::pair<std::shared_ptr<World::Answer>, std::shared_ptr<World::Answer>>> pairs_;
  std::vector<std::string> findings_;
};

}  // namespace vbs::sim
