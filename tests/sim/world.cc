#include "tests/sim/world.h"

#include <set>
#include <sstream>
#include <stdexcept>

#include "common/file.h"
#include "common/secret_box.h"
#include "db/invariants.h"
#include "db/operation_table.h"
#include "tests/sim/faulty_disk.h"
#include "tests/sim/sqlite_memory.h"

namespace vbs::sim {

namespace {

constexpr Milliseconds kAnswerLimit{120'000};
constexpr Milliseconds kSettleLimit{3'600'000};

template <class T>
std::unique_ptr<T> must(Result<std::unique_ptr<T>> made) {
  if (!made) throw std::runtime_error(describe(made.error()));
  return std::move(*made);
}

std::vector<std::pair<std::string, std::string>> parse_query(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> query;
  std::istringstream pairs(text);
  for (std::string pair; std::getline(pairs, pair, '&');)
    query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
  return query;
}

/// An empty database. To make one anew would be most of the cost of a short run.
const std::string& empty_database() {
  static const std::string bytes = [] {
    FaultyDisk::install();
    const Folder folder;
    (void)must(db::Database::open({folder.path("vbs.db"), db::WriteMode::inline_, 1}));
    return *read_file(folder.path("vbs.db"));
  }();
  return bytes;
}

}  // namespace

World::World(std::uint64_t seed, InitiatorKind kind)
    : random(seed),
      chance(seed + 1),
      volumes("vs1", around),
      vmm("hv1", around, kind),
      kind_(kind),
      front_life_(Process::front, moments, time,
                  {[this] { return make_front(); }, [this] { drop_front(); }}) {
  give_sqlite_plain_memory();
  vmm.hypervisor.set_disk_size([this](const Uuid& volume) { return volumes.shown_size(volume); });
  vmm.initiator.set_target([this](const wire::SessionSpec& spec) { return volumes.log_in(spec); });
  settings.database = folder.path("vbs.db");
  if (auto ok = write_file_durably(settings.database, empty_database(), 0600); !ok)
    throw std::runtime_error(describe(ok.error()));
  // Else the front would make one that no seed gives.
  fakes::SimRandom of_key(seed + 2);
  const Secret key = SecretBox::new_key_text(of_key);
  if (auto ok = write_file_durably(settings.database + ".key", key.reveal(), 0600); !ok)
    throw std::runtime_error(describe(ok.error()));
  settings.nodes = {{"vs1", api::NodeRole::volume_server, {"127.0.0.1", 1}},
                    {"hv1", api::NodeRole::vmm, {"127.0.0.1", 2}}};
  network.add_node("vs1", [this](http::Request r) { return volumes.serve(std::move(r)); });
  network.add_node("hv1", [this](http::Request r) { return vmm.serve(std::move(r)); });
  start_front();
}

World::~World() {
  kill_front();
}

void World::start_front() {
  front_life_.start();
  time.run_for(Milliseconds(50));
}

void World::drop_front() {
  front_.reset();
  delegates_.reset();
  database_.reset();
  executor_.reset();
}

Result<void> World::make_front() {
  ++front_starts_;
  executor_ = std::make_unique<fakes::SimExecutor>(
      time, [this](const Task& task) { front_life_.run(task); });
  delegates_ = std::make_unique<fakes::SimDelegateClient>(network, *executor_);
  auto database = db::Database::open({settings.database, db::WriteMode::inline_, 1});
  if (!database) return fail(database.error());
  database_ = *std::move(database);
  auto authenticator = tokens.empty() ? api::Authenticator::open_to_all()
                                      : *api::Authenticator::from_text(tokens, "tokens");
  front_ =
      std::make_unique<api::Front>(settings, std::move(authenticator), *database_,
                                   api::Front::Outside{*delegates_, clock, random, *executor_});
  executor_->post([this] {
    if (!front_->start()) throw Death();
  });
  return {};
}

void World::die(Process process) {
  if (process == Process::front) front_life_.die();
  if (process == Process::volume_delegate) volumes.die();
  if (process == Process::vmm_delegate) vmm.die();
}

std::string World::Answer::member(const std::string& resource, const std::string& name) const {
  const auto body = json::parse(response.value_or(http::Response{}).body);
  const auto* object = body ? body->find(resource) : nullptr;
  const auto* value = object ? object->find(name) : nullptr;
  const auto* text = value ? value->as<std::string>() : nullptr;
  return text ? *text : "";
}

std::shared_ptr<World::Answer> World::send(http::Method method, const std::string& path,
                                           const std::string& body, const std::string& key) {
  http::Request made = request(method, path, body);
  if (!key.empty()) made.headers.set("Idempotency-Key", key);
  return send(std::move(made));
}

http::Request World::request(http::Method method, const std::string& path, const std::string& body,
                             const std::string& token) {
  http::Request request;
  request.method = method;
  request.path = path.substr(0, path.find('?'));
  if (path.find('?') != std::string::npos)
    request.query = parse_query(path.substr(path.find('?') + 1));
  request.body = body;
  if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
  return request;
}

std::shared_ptr<World::Answer> World::send(http::Request request) {
  auto answer = std::make_shared<Answer>();
  if (!front_runs()) return answer;
  executor_->post([this, request, answer] {
    front_->handle(request,
                   [answer](http::Response response) { answer->response = std::move(response); });
  });
  return answer;
}

World::Answer World::carry_out(http::Method method, const std::string& path,
                               const std::string& body, const std::string& key) {
  http::Request made = request(method, path, body);
  if (!key.empty()) made.headers.set("Idempotency-Key", key);
  return carry_out(std::move(made));
}

World::Answer World::carry_out(http::Request request) {
  auto answer = send(std::move(request));
  time.run_until([&] { return answer->response.has_value(); }, kAnswerLimit);
  settle();
  return *answer;
}

bool World::at_rest() {
  if (!front_runs()) return false;
  auto live =
      database_->read([](db::Connection& c) { return db::OperationTable(c).live().size(); });
  return live && *live == 0;
}

bool World::settle() {
  return time.run_until([this] { return at_rest(); }, kSettleLimit);
}

std::string World::create_volume() {
  return carry_out(http::Method::post, "/v1/volumes", R"({"size_bytes":1048576})")
      .member("volume", "id");
}

std::string World::attach(const std::string& volume, const std::string& vm) {
  return carry_out(http::Method::post, "/v1/volumes/" + volume + "/attachments",
                   R"({"vm":")" + vm + R"("})")
      .member("attachment", "id");
}

std::string World::live_operation() {
  auto live = database_->read([](db::Connection& c) { return db::OperationTable(c).live(); });
  return live && !live->empty() ? live->front().id.str() : "";
}

std::set<std::string> World::there() {
  std::set<std::string> there;
  const auto store = volumes.store.list();
  for (const auto& volume : store->volumes) there.insert("volume " + volume.id.str());
  for (const auto& snapshot : store->snapshots) there.insert("snapshot " + snapshot.id.str());
  for (const auto& target : volumes.target.targets()) there.insert("target " + target.iqn);
  for (const std::string vm : {"vm1", "vm2"}) {
    const auto view = vmm.hypervisor.look(vm);
    for (const auto& device : view->devices)
      there.insert("device " + vm + " " + device.attachment.str());
  }
  const auto sessions = vmm.initiator.sessions();
  for (const auto& session : *sessions) there.insert("session " + session.attachment.str());
  return there;
}

std::vector<db::Attachment> World::attachments() {
  return *database_->read([](db::Connection& connection) {
    return db::AttachmentTable(connection).open_on_vmm("hv1");
  });
}

std::set<std::string> World::wanted() {
  auto wanted = database_->read([&](db::Connection& connection) {
    std::set<std::string> names;
    for (const db::Volume& row : db::VolumeTable(connection).on_node("vs1"))
      names.insert("volume " + row.id.str());
    for (const db::Snapshot& row : db::SnapshotTable(connection).on_node("vs1"))
      names.insert("snapshot " + row.id.str());
    for (const db::Attachment& row : db::AttachmentTable(connection).open_on_vmm("hv1")) {
      names.insert("target iqn.2026-01.vbs:" + row.id.str());
      const auto vm = vmm.hypervisor.vm(row.vm);
      const bool other = row.vm_uuid && vm && vm->uuid != row.vm_uuid;
      if (!other) names.insert("device " + row.vm + " " + row.id.str());
      if (kind_ == InitiatorKind::of_host) names.insert("session " + row.id.str());
    }
    return names;
  });
  return *wanted;
}

std::vector<std::string> World::disagreements() {
  std::vector<std::string> found;
  auto checked = database_->read([&](db::Connection& connection) {
    for (const db::Violation& violation : db::check_invariants(connection)) {
      found.push_back(violation.invariant + ": " + violation.detail);
    }
    for (const db::Volume& row : db::VolumeTable(connection).on_node("vs1"))
      wrong_sizes(row, found);
    return true;
  });
  if (!checked) found.push_back(describe(checked.error()));
  const std::set<std::string> names = wanted();
  const std::set<std::string> really = there();
  for (const char* vm : {"vm1", "vm2"}) {
    if (vmm.hypervisor.files_frozen(vm)) found.push_back(std::string(vm) + " is still frozen");
    if (vmm.hypervisor.state(vm) != "running") found.push_back(std::string(vm) + " is not running");
  }
  for (const std::string& name : names) {
    if (!really.contains(name)) found.push_back("missing: " + name);
  }
  for (const std::string& name : really) {
    if (!names.contains(name)) found.push_back("left over: " + name);
  }
  return found;
}

void World::wrong_sizes(const db::Volume& row, std::vector<std::string>& found) {
  const auto check = [&](const std::string& who, std::uint64_t size_bytes) {
    if (size_bytes == row.size_bytes) return;
    found.push_back(who + " has " + std::to_string(size_bytes) + " bytes of " +
                    std::to_string(row.size_bytes) + " of volume " + row.id.str());
  };
  const auto stored = volumes.store.find_volume(row.id);
  if (stored) check("the store", stored->size_bytes);
  for (const auto& target : volumes.target.targets()) {
    if (target.serial == row.id.str()) check("target " + target.iqn, target.size_bytes);
  }
  for (const std::string vm : {"vm1", "vm2"}) {
    const auto view = vmm.hypervisor.look(vm);
    for (const auto& device : view->devices) {
      if (device.serial == row.id.str() && device.grows) check(vm, device.size_bytes);
    }
  }
}

std::int64_t World::rows(const std::string& table) {
  auto count = database_->read([&](db::Connection& connection) {
    auto query = connection.prepare("SELECT count(*) FROM " + table);
    query.step();
    return query.integer(0);
  });
  return count.value_or(-1);
}

std::string World::journal() {
  auto text = database_->read([](db::Connection& connection) {
    std::string lines;
    auto events = connection.prepare(
        "SELECT o.uid, o.kind, o.state, e.at, e.step, e.what, e.message FROM operation_events e "
        "JOIN operations o ON o.seq = e.operation_seq ORDER BY e.seq");
    while (events.step()) {
      for (int column = 0; column < 7; ++column) lines += events.string(column) + " ";
      lines += "\n";
    }
    return lines;
  });
  return text.value_or("");
}

std::vector<std::string> World::dump() {
  auto lines = database_->read([](db::Connection& connection) {
    std::vector<std::pair<std::string, std::string>> tables;  // with what makes a row of it a line
    auto found = connection.prepare(
        "SELECT t.name, (SELECT group_concat('quote(\"' || c.name || '\")', ' || '','' || ')"
        " FROM pragma_table_info(t.name) c) FROM sqlite_schema t WHERE t.type = 'table'"
        " ORDER BY t.name");
    while (found.step()) tables.emplace_back(found.string(0), found.string(1));
    std::vector<std::string> all;
    for (const auto& [table, line] : tables) {
      auto rows = connection.prepare("SELECT " + line + " FROM " + table + " ORDER BY 1");
      while (rows.step()) all.push_back(table + " " + rows.string(0));
    }
    return all;
  });
  return lines ? *lines : std::vector{describe(lines.error())};
}

}  // namespace vbs::sim
