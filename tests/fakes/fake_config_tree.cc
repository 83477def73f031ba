#include "tests/fakes/fake_config_tree.h"

#include <algorithm>
#include <utility>

namespace vbs::fakes {
namespace {

std::vector<std::string> parts(const std::string& path) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    out.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string parent(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

bool ends(const std::string& path, std::string_view end) {
  return path.ends_with(end);
}

constexpr const char* kNoSession = "No active iSCSI Session for Initiator Endpoint: ";

}  // namespace

FakeConfigTree::FakeConfigTree() {
  nodes_[""] = nodes_["core"] = {Node::Kind::own_folder, {}};
  nodes_["iscsi"] = {Node::Kind::folder, {}};
  add_own("iscsi", {"discovery_auth"}, {});
}

void FakeConfigTree::die_after(std::optional<std::size_t> changes) {
  std::lock_guard guard(mutex_);
  left_ = changes;
}

void FakeConfigTree::hide(bool hidden) {
  std::lock_guard guard(mutex_);
  hidden_ = hidden;
}

void FakeConfigTree::take_portals(bool taken) {
  std::lock_guard guard(mutex_);
  portals_taken_ = taken;
}

void FakeConfigTree::hang(std::optional<std::string> path) {
  std::lock_guard guard(mutex_);
  hanging_ = std::move(path);
  answers_.notify_all();
}

void FakeConfigTree::wait_for_device(const std::string& path) {
  std::unique_lock lock(mutex_);
  answers_.wait(lock, [&] { return hanging_ != path; });
}

std::size_t FakeConfigTree::changes() const {
  std::lock_guard guard(mutex_);
  return changes_;
}

void FakeConfigTree::set_watcher(std::function<void()> watcher) {
  std::lock_guard guard(mutex_);
  watcher_ = std::move(watcher);
}

Result<void> FakeConfigTree::enter_change() {
  if (hidden_) return fail(ErrorCode::not_found, "there is no tree");
  if (!left_) return {};
  if (*left_ == 0) return fail(ErrorCode::internal, "the process is dead");
  --*left_;
  return {};
}

void FakeConfigTree::changed() {
  std::function<void()> watcher;
  {
    std::lock_guard guard(mutex_);
    ++changes_;
    watcher = watcher_;
  }
  if (watcher) watcher();
}

const FakeConfigTree::Node* FakeConfigTree::find(const std::string& path) const {
  const auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : &found->second;
}

/// What a caller finds, while the kernel has it in any case.
const FakeConfigTree::Node* FakeConfigTree::see(const std::string& path) const {
  return hidden_ ? nullptr : find(path);
}

std::string FakeConfigTree::value(const std::string& path) const {
  const Node* node = find(path);
  return node == nullptr ? std::string() : node->text;
}

void FakeConfigTree::add_own(const std::string& path, const std::vector<std::string>& folders,
                             const std::map<std::string, std::string>& attributes) {
  for (const auto& name : folders) nodes_[path + "/" + name] = {Node::Kind::own_folder, {}};
  for (const auto& [name, text] : attributes) {
    nodes_[path + "/" + name] = {Node::Kind::attribute, text};
  }
}

/// Attributes and groups that come with a new object.
Result<void> FakeConfigTree::fill(const std::string& path) {
  const auto at = parts(path);
  const std::size_t depth = at.size();
  const std::string& name = at.back();
  if (path == "iscsi") {
    add_own(path, {"discovery_auth"}, {});
    return {};
  }
  if (at[0] == "core" && depth == 2) return {};
  if (at[0] == "core" && depth == 3) {
    add_own(path, {"attrib", "wwn"},
            {{"control", ""},
             {"info", ""},
             {"udev_path", ""},
             {"enable", "0"},
             {"wwn/vendor_id", "LIO-ORG"},
             {"wwn/product_id", ""},
             {"wwn/vpd_unit_serial", "T10 VPD Unit Serial Number: "},
             {"attrib/emulate_3pc", "1"},
             {"attrib/emulate_tpu", "0"},
             {"attrib/emulate_tpws", "0"}});
    return {};
  }
  if (at[0] == "iscsi" && depth == 2) return {};
  if (depth == 3 && name.starts_with("tpgt_")) {
    add_own(path, {"acls", "attrib", "auth", "lun", "np", "param"},
            {{"enable", "0"},
             {"dynamic_sessions", ""},
             {"attrib/authentication", "1"},
             {"attrib/demo_mode_discovery", "1"},
             {"attrib/generate_node_acls", "0"},
             {"attrib/prod_mode_write_protect", "0"}});
    return {};
  }
  if (depth == 5 && at[3] == "np") {
    if (portals_taken_) return fail(ErrorCode::node_unavailable, "address in use: " + name);
    return {};
  }
  if (depth == 5 && at[3] == "lun" && name.starts_with("lun_")) return {};
  if (depth == 5 && at[3] == "acls") {
    add_own(path, {"auth", "attrib"},
            {{"info", kNoSession + name}, {"auth/userid", ""}, {"auth/password", ""}});
    return {};
  }
  if (depth == 6 && at[3] == "acls" && name.starts_with("lun_")) {
    const auto group = parent(parent(parent(path)));
    add_own(path, {}, {{"write_protect", value(group + "/attrib/prod_mode_write_protect")}});
    return {};
  }
  return fail(ErrorCode::forbidden, "no object can be made at " + path);
}

Result<std::vector<std::string>> FakeConfigTree::children(const std::string& path,
                                                          bool links) const {
  std::lock_guard guard(mutex_);
  const Node* folder = see(path);
  if (folder == nullptr) return fail(ErrorCode::not_found, "there is no " + path);
  std::vector<std::string> out;
  for (const auto& [name, node] : nodes_) {
    if (name.empty() || parent(name) != path || node.kind == Node::Kind::attribute) continue;
    if ((node.kind == Node::Kind::link) == links) out.push_back(parts(name).back());
  }
  return out;
}

Result<std::vector<std::string>> FakeConfigTree::folders(const std::string& path) {
  return children(path, false);
}

Result<std::vector<std::string>> FakeConfigTree::links(const std::string& path) {
  return children(path, true);
}

Result<std::string> FakeConfigTree::link_target(const std::string& path) {
  return read(path);
}

Result<std::string> FakeConfigTree::read(const std::string& path) {
  std::lock_guard guard(mutex_);
  const Node* node = see(path);
  if (node == nullptr) return fail(ErrorCode::not_found, "there is no " + path);
  return node->text;
}

bool FakeConfigTree::led_to(const std::string& path) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
    return entry.second.kind == Node::Kind::link && entry.second.text == path;
  });
}

/// What the kernel refuses.
Result<void> FakeConfigTree::check_write(const std::string& path, const std::string& text) {
  const std::string object = parent(path);
  if (ends(path, "/wwn/vpd_unit_serial") && led_to(parent(object))) {
    return fail(ErrorCode::internal, "the serial cannot change while it is exported");
  }
  if (!ends(path, "/enable")) return {};
  if (path.starts_with("iscsi/")) {
    if (value(path) != text) return {};
    return fail(ErrorCode::internal, "invalid argument: " + path + " is " + text + " already");
  }
  if (text != "1" || value(path) == "1" || value(object + "/control").empty()) {
    return fail(ErrorCode::internal, "it cannot be enabled");
  }
  for (const auto& [name, node] : nodes_) {
    const bool same =
        ends(name, "/control") && parent(name) != object && node.text == value(object + "/control");
    if (same && value(parent(name) + "/enable") == "1") {
      return fail(ErrorCode::conflict, "the device is open");
    }
  }
  return {};
}

/// What else a write changes.
void FakeConfigTree::follow(const std::string& path, const std::string& text) {
  constexpr std::string_view kSize = "fd_dev_size=";
  const auto size = text.find(kSize);
  if (ends(path, "/control") && size != std::string::npos) {
    const std::string digits = text.substr(size + kSize.size());
    nodes_[parent(path) + "/info"].text = "File: x  Size: " + digits.substr(0, digits.find(','));
  }
  if (!path.starts_with("iscsi/") || !ends(path, "/enable") || text != "0") return;
  for (auto& [name, node] : nodes_) {
    if (!name.starts_with(parent(path) + "/acls/") || !ends(name, "/info")) continue;
    node.text = kNoSession + parts(parent(name)).back();
  }
}

Result<void> FakeConfigTree::write(const std::string& path, std::string_view text) {
  wait_for_device(path);
  {
    std::lock_guard guard(mutex_);
    if (auto ok = enter_change(); !ok) return ok;
    const auto found = nodes_.find(path);
    if (found == nodes_.end() || found->second.kind != Node::Kind::attribute) {
      return fail(ErrorCode::not_found, "there is no " + path);
    }
    if (auto ok = check_write(path, std::string(text)); !ok) return ok;
    const bool serial = ends(path, "/vpd_unit_serial");
    found->second.text = (serial ? "T10 VPD Unit Serial Number: " : "") + std::string(text);
    follow(path, std::string(text));
  }
  changed();
  return {};
}

Result<void> FakeConfigTree::make_folder(const std::string& path) {
  {
    std::lock_guard guard(mutex_);
    if (auto ok = enter_change(); !ok) return ok;
    if (find(path) != nullptr) return fail(ErrorCode::already_exists, path + " is there");
    if (find(parent(path)) == nullptr) return fail(ErrorCode::not_found, "no " + parent(path));
    if (auto ok = fill(path); !ok) return ok;
    nodes_[path] = {Node::Kind::folder, {}};
  }
  changed();
  return {};
}

Result<void> FakeConfigTree::remove_folder(const std::string& path) {
  wait_for_device(path);
  {
    std::lock_guard guard(mutex_);
    if (auto ok = enter_change(); !ok) return ok;
    const Node* node = find(path);
    if (node == nullptr) return fail(ErrorCode::not_found, "there is no " + path);
    if (node->kind != Node::Kind::folder) return fail(ErrorCode::forbidden, path + " stays");
    if (led_to(path)) return fail(ErrorCode::conflict, path + " is referred to");
    const auto inside = [&](const auto& entry) { return entry.first.starts_with(path + "/"); };
    const bool occupied = std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
      return inside(entry) &&
             (entry.second.kind == Node::Kind::folder || entry.second.kind == Node::Kind::link);
    });
    if (occupied) return fail(ErrorCode::conflict, path + " is not empty");
    std::erase_if(nodes_, inside);
    nodes_.erase(path);
  }
  changed();
  return {};
}

Result<void> FakeConfigTree::link(const std::string& path, const std::string& target) {
  {
    std::lock_guard guard(mutex_);
    if (auto ok = enter_change(); !ok) return ok;
    if (find(path) != nullptr) return fail(ErrorCode::already_exists, path + " is there");
    if (find(parent(path)) == nullptr || find(target) == nullptr) {
      return fail(ErrorCode::not_found, "nothing to link at " + path);
    }
    if (target.starts_with("core/") && value(target + "/enable") != "1") {
      return fail(ErrorCode::internal, target + " is not enabled");
    }
    nodes_[path] = {Node::Kind::link, target};
  }
  changed();
  return {};
}

Result<void> FakeConfigTree::unlink(const std::string& path) {
  {
    std::lock_guard guard(mutex_);
    if (auto ok = enter_change(); !ok) return ok;
    const Node* node = find(path);
    if (node == nullptr) return fail(ErrorCode::not_found, "there is no " + path);
    if (node->kind != Node::Kind::link) return fail(ErrorCode::forbidden, path + " is no link");
    nodes_.erase(path);
  }
  changed();
  return {};
}

FakeConfigTree::Login FakeConfigTree::judge(const std::string& iqn, const std::string& initiator,
                                            const std::string& user,
                                            const std::string& secret) const {
  const std::string group = "iscsi/" + iqn + "/tpgt_1";
  const std::string acl = group + "/acls/" + initiator;
  const bool listens = std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
    return entry.first.starts_with(group + "/np/");
  });
  if (value(group + "/enable") != "1" || !listens || find(acl) == nullptr) return Login::refused;
  const std::string held = value(acl + "/auth/userid");
  if (held.empty() || held == "NULL" || held != user) return Login::refused;
  if (value(acl + "/auth/password") != secret || secret == "NULL") return Login::refused;
  const std::string mapped = acl + "/lun_1";
  const std::string lun = value(mapped + "/unit");
  if (lun.empty() || value(lun + "/unit").empty()) return Login::without_unit;
  return value(mapped + "/write_protect") == "1" ? Login::read_only : Login::read_write;
}

FakeConfigTree::Login FakeConfigTree::try_login(const std::string& iqn,
                                                const std::string& initiator,
                                                const std::string& user,
                                                const std::string& secret) const {
  std::lock_guard guard(mutex_);
  return judge(iqn, initiator, user, secret);
}

FakeConfigTree::Login FakeConfigTree::log_in(const std::string& iqn, const std::string& initiator,
                                             const std::string& user, const std::string& secret) {
  std::lock_guard guard(mutex_);
  const Login result = judge(iqn, initiator, user, secret);
  if (result != Login::refused) {
    nodes_["iscsi/" + iqn + "/tpgt_1/acls/" + initiator + "/info"].text =
        "InitiatorName: " + initiator +
        "\nInitiatorAlias: \n   Address 10.9.0.2 TCP  StatSN: 0x00000001";
  }
  return result;
}

bool FakeConfigTree::has_session(const std::string& iqn) const {
  std::lock_guard guard(mutex_);
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
    return entry.first.starts_with("iscsi/" + iqn + "/") && ends(entry.first, "/info") &&
           entry.second.text.starts_with("InitiatorName");
  });
}

std::set<std::string> FakeConfigTree::everything(const std::string& path) const {
  std::lock_guard guard(mutex_);
  std::set<std::string> out;
  for (const auto& [name, node] : nodes_) {
    if (name.starts_with(path + "/")) out.insert(name);
  }
  return out;
}

}  // namespace vbs::fakes
