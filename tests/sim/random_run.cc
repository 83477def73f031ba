#include "tests/sim/random_run.h"

#include <algorithm>
#include <iostream>

namespace vbs::sim {

namespace {

constexpr int kRequests = 14;
constexpr std::uint64_t kLongestPauseMs = 4'000;
constexpr std::uint64_t kShortestPausesMs = 30;
/// Late orders have arrived by then, and sweeps have removed what they left.
constexpr Milliseconds kLongAfter{110'000};

using http::Method;

/// Told before the run: whatever ends the process, a sanitizer, an exception or a signal after a
/// run that does not end, leaves no time to say which seed it was.
std::uint64_t announced(std::uint64_t seed) {
  std::cout << "seed " << seed << std::endl;
  return seed;
}

}  // namespace

RandomRun::RandomRun(std::uint64_t seed)
    : world_(announced(seed), seed % 2 == 0 ? InitiatorKind::of_host : InitiatorKind::of_vms),
      chaos_(world_),
      watchman_(world_) {
  world_.settings.engine.calls_per_node = 1 + static_cast<unsigned>(seed % 4);
  world_.kill_front();
  world_.start_front();
  go();
}

std::string RandomRun::story() {
  return chaos_.describe() + "\n" + world_.journal();
}

void RandomRun::go() {
  for (int i = 0; i < kRequests; ++i) {
    i == 0 ? make_volume() : ask();
    world_.time.run_for(Milliseconds(static_cast<std::int64_t>(pause_ms())));
    chaos_.step();
    collect();
  }
  chaos_.end();
  if (!world_.settle()) findings_.push_back("stuck: operation " + world_.live_operation());
  if (chaos_.nothing_in_secret()) check("at once");
  if (chaos_.nothing_slow() && world_.journal().find(" deadline ") != std::string::npos)
    findings_.push_back("an operation ran out of time, and nothing held it up");
  world_.time.run_for(kLongAfter);
  if (!world_.settle()) findings_.push_back("stuck again: operation " + world_.live_operation());
  watchman_.look();
  check("in the end");
  check_keys();
  const auto& seen = watchman_.findings();
  findings_.insert(findings_.end(), seen.begin(), seen.end());
}

void RandomRun::check(const std::string& when) {
  std::set<std::string> foreign;
  for (const std::string& name : chaos_.foreign()) foreign.insert("left over: " + name);
  for (const std::string& finding : world_.disagreements()) {
    if (foreign.erase(finding) == 0) findings_.push_back(when + " " + finding);
  }
  for (const std::string& name : foreign) findings_.push_back(when + " touched: " + name);
}

void RandomRun::check_keys() {
  for (const auto& [one, other] : pairs_) {
    const std::string first = one->member("volume", "id");
    const std::string second = other->member("volume", "id");
    if (!first.empty() && !second.empty() && first != second)
      findings_.push_back("one key has made two volumes, " + first + " and " + second);
  }
}

/// Half of the requests come while those before are still under way.
std::uint64_t RandomRun::pause_ms() {
  return world_.chance.below(world_.chance.once_in(2) ? kShortestPausesMs : kLongestPauseMs);
}

void RandomRun::ask() {
  switch (world_.chance.below(10)) {
    case 0:
    case 1:
      return make_volume();
    case 2:
    case 3:
      return attach();
    case 4:
      return detach();
    case 5:
      return send_to(volumes_, Method::del, "/v1/volumes/", "", "");
    case 6:
      return snapshot();
    case 7:
      return grow();
    case 8:
      return send_to(snapshots_, Method::del, "/v1/snapshots/", "", "");
    default:
      return cancel();
  }
}

void RandomRun::remember(std::vector<std::string>& ids, std::shared_ptr<World::Answer> answer,
                         std::string resource) {
  if (world_.chance.once_in(8)) cancel_soon(answer);
  pending_.push_back([this, &ids, answer, resource] {
    if (!answer->response) return false;
    const std::string id = answer->member(resource, "id");
    if (!id.empty()) ids.push_back(id);
    const std::string operation = answer->member("operation", "id");
    if (!operation.empty()) operations_.push_back(operation);
    return true;
  });
}

void RandomRun::collect() {
  std::erase_if(pending_, [](const std::function<bool()>& take) { return take(); });
}

std::string RandomRun::any(const std::vector<std::string>& ids) {
  return ids[world_.chance.below(ids.size())];
}

void RandomRun::send_to(const std::vector<std::string>& ids, Method method,
                        const std::string& before, const std::string& after,
                        const std::string& body) {
  if (ids.empty()) return;
  std::vector<std::string>& made = after.empty() ? operations_ : attachments_;
  remember(made, world_.send(method, before + any(ids) + after, body),
           after.empty() ? "operation" : "attachment");
}

void RandomRun::make_volume() {
  std::string body = R"({"size_bytes":1048576})";
  if (!snapshots_.empty() && world_.chance.once_in(3))
    body = R"({"source":{"type":"snapshot","id":")" + any(snapshots_) + R"("}})";
  const std::string key = std::to_string(world_.chance.below(1'000'000));
  const auto answer = world_.send(Method::post, "/v1/volumes", body, key);
  remember(volumes_, answer, "volume");
  // Who hears nothing asks again.
  if (world_.chance.once_in(4))
    pairs_.emplace_back(answer, world_.send(Method::post, "/v1/volumes", body, key));
}

void RandomRun::attach() {
  const std::string vm = world_.chance.once_in(3) ? "vm2" : "vm1";
  const std::string access = world_.chance.once_in(4) ? R"(,"read_only":true)" : "";
  send_to(volumes_, Method::post, "/v1/volumes/", "/attachments",
          R"({"vm":")" + vm + R"(")" + access + "}");
}

void RandomRun::detach() {
  if (attachments_.empty()) return;
  const std::string attachment = any(attachments_);
  const std::string force = world_.chance.once_in(2) ? "?force=true" : "";
  for (const std::string& volume : volumes_) {
    remember(
        operations_,
        world_.send(Method::del, "/v1/volumes/" + volume + "/attachments/" + attachment + force),
        "operation");
  }
}

void RandomRun::grow() {
  const std::uint64_t size_bytes = (1 + world_.chance.below(4)) << 20;
  send_to(volumes_, Method::patch, "/v1/volumes/", "",
          R"({"size_bytes":)" + std::to_string(size_bytes) + "}");
}

void RandomRun::snapshot() {
  if (volumes_.empty()) return;
  const std::string body = R"({"volume_id":")" + any(volumes_) + R"("})";
  remember(snapshots_, world_.send(Method::post, "/v1/snapshots", body), "snapshot");
}

void RandomRun::cancel_soon(std::shared_ptr<World::Answer> answer) {
  const Milliseconds in(static_cast<std::int64_t>(world_.chance.below(kShortestPausesMs)));
  world_.time.add(in, [this, answer] {
    const std::string operation = answer->member("operation", "id");
    if (world_.front_runs() && !operation.empty())
      world_.send(Method::post, "/v1/operations/" + operation + "/cancel");
  });
}

void RandomRun::cancel() {
  if (!operations_.empty())
    world_.send(Method::post, "/v1/operations/" + any(operations_) + "/cancel");
}

}  // namespace vbs::sim
