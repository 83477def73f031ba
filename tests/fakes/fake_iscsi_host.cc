#include "tests/fakes/fake_iscsi_host.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace vbs::fakes {
namespace {

namespace fs = std::filesystem;
using vmm_delegate::ScsiDisk;

constexpr std::uint64_t kSectors = 16'384;
const std::string kByPath = "/dev/disk/by-path/";

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string serial_page(const std::string& serial) {
  std::string page("\0\x80\0", 3);
  page.push_back(static_cast<char>(serial.size()));
  return page + serial;
}

std::string value_of(const std::vector<std::string>& argv, const std::string& option) {
  const auto found = std::find(argv.begin(), argv.end(), option);
  return found == argv.end() || found + 1 == argv.end() ? "" : *(found + 1);
}

}  // namespace

class FakeIscsiHost::Scsi final : public vmm_delegate::ScsiLayer {
 public:
  explicit Scsi(FakeIscsiHost& host) : host_(host) {}

  Result<void> scan(unsigned host, std::uint32_t lun, Milliseconds) override {
    host_.note("scan " + std::to_string(host) + " " + std::to_string(lun));
    if (host_.on_scan) host_.on_scan();
    if (lun == 1) host_.add_disk(host);
    return {};
  }
  Result<std::string> serial(const ScsiDisk& disk, Milliseconds) override {
    host_.note("serial " + disk.block);
    if (!host_.has_units) return fail(ErrorCode::not_found, "no such logical unit");
    return host_.by_host(disk.minor)->serial;
  }
  bool is_at(const ScsiDisk& disk, const std::string& path) override {
    return host_.udev_runs && !disk.block.empty() &&
           path == kByPath + host_.by_host(disk.minor)->link + "-lun-" + std::to_string(disk.lun);
  }
  Result<void> flush(const ScsiDisk& disk, Milliseconds) override {
    host_.note("flush " + disk.block);
    return host_.flushed;
  }
  Result<std::vector<std::string>> users(const ScsiDisk&) override { return host_.users; }
  Result<void> remove(const ScsiDisk& disk, Milliseconds) override {
    host_.note("remove " + disk.block);
    host_.remove_disk(disk.address);
    return {};
  }
  Result<void> rescan(const ScsiDisk& disk, Milliseconds) override {
    host_.note("rescan " + disk.block);
    const auto size = host_.path("sys") + "/class/block/" + disk.block + "/size";
    put(size, std::to_string(2 * kSectors) + "\n");
    return {};
  }

 private:
  FakeIscsiHost& host_;
};

FakeIscsiHost::FakeIscsiHost() {
  for (const char* folder : {"sys/class/iscsi_session", "sys/class/block", "iscsi", "lock"}) {
    fs::create_directories(path(folder));
  }
}

std::unique_ptr<vmm_delegate::ScsiLayer> FakeIscsiHost::scsi_layer() {
  return std::make_unique<Scsi>(*this);
}

void FakeIscsiHost::note(std::string what) {
  const std::lock_guard lock(mutex_);
  done_.push_back(std::move(what));
}

std::vector<std::string> FakeIscsiHost::done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

std::vector<std::vector<std::string>> FakeIscsiHost::commands() const {
  const std::lock_guard lock(mutex_);
  return commands_;
}

void FakeIscsiHost::set_target(const std::string& iqn, Target target) {
  targets_[iqn] = std::move(target);
}

unsigned FakeIscsiHost::add_session(const std::string& iqn, const std::string& interface,
                                    const std::string& serial, const std::string& portal,
                                    const std::string& portal_group) {
  const unsigned sid = next_++;
  const std::string name = "session" + std::to_string(sid);
  const std::string device =
      path("sys") + "/devices/platform/host" + std::to_string(sid) + "/" + name;
  const std::string attributes = device + "/iscsi_session/" + name;
  put(attributes + "/targetname", iqn + "\n");
  put(attributes + "/ifacename", interface + "\n");
  put(attributes + "/state", "LOGGED_IN\n");
  put(attributes + "/tpgt", portal_group + "\n");
  fs::create_directory_symlink(device, attributes + "/device");
  const std::string connection = "connection" + std::to_string(sid) + ":0";
  const std::string below = device + "/" + connection + "/iscsi_connection/" + connection;
  put(below + "/persistent_address", portal.substr(0, portal.rfind(':')) + "\n");
  put(below + "/persistent_port", portal.substr(portal.rfind(':') + 1) + "\n");
  fs::create_directory_symlink(attributes, path("sys") + "/class/iscsi_session/" + name);
  sessions_[sid] = {iqn, serial, device, "ip-" + portal + "-iscsi-" + iqn};
  if (!serial.empty()) add_disk(sid);
  return sid;
}

void FakeIscsiHost::add_disk(unsigned sid) {
  const Session& session = sessions_.at(sid);
  const std::string host = std::to_string(sid);
  const std::string block = std::string("sd") + static_cast<char>('a' + sid - 1);
  const std::string unit = session.device + "/target" + host + ":0:0/" + host + ":0:0:1";
  put(unit + "/vpd_pg80", serial_page(session.serial));
  put(unit + "/block/" + block + "/dev", "8:" + host + "\n");
  put(unit + "/block/" + block + "/size", std::to_string(kSectors) + "\n");
  fs::create_directory_symlink(unit + "/block/" + block, path("sys") + "/class/block/" + block);
}

void FakeIscsiHost::remove_disk(const std::string& address) {
  const unsigned sid = static_cast<unsigned>(std::stoul(address));
  fs::remove(path("sys") + "/class/block/sd" + static_cast<char>('a' + sid - 1));
  fs::remove_all(sessions_.at(sid).device + "/target" + std::to_string(sid) + ":0:0");
}

void FakeIscsiHost::set_state(unsigned sid, const std::string& state) {
  const std::string name = "session" + std::to_string(sid);
  put(sessions_.at(sid).device + "/iscsi_session/" + name + "/state", state + "\n");
}

void FakeIscsiHost::remove_session(unsigned sid) {
  remove_disk(std::to_string(sid) + ":0:0:1");
  fs::remove(path("sys") + "/class/iscsi_session/session" + std::to_string(sid));
  fs::remove_all(sessions_.at(sid).device);
  sessions_.erase(sid);
}

std::vector<std::string> FakeIscsiHost::session_names() const {
  std::vector<std::string> names;
  for (const auto& [sid, session] : sessions_) names.push_back(session.iqn);
  return names;
}

FakeIscsiHost::Session* FakeIscsiHost::by_host(unsigned host) {
  return &sessions_.at(host);
}

Result<process::Outcome> FakeIscsiHost::run(const process::Command& command) {
  const std::vector<std::string> argv(command.argv.begin() + 1, command.argv.end());
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(argv);
  }
  if (answer) {
    if (auto given = answer(argv)) return *given;
  }
  process::Outcome outcome;
  if (argv.back() == "--login") {
    note("login");
    const std::string iqn = value_of(argv, "--targetname");
    const std::string portal = value_of(argv, "--portal");
    const auto target = targets_.find(iqn);
    outcome.exit_code = target == targets_.end() ? 19 : target->second.login_exit;
    if (outcome.exit_code == 0) {
      const auto comma = portal.rfind(',');
      const unsigned sid = add_session(iqn, value_of(argv, "--interface"), "",
                                       portal.substr(0, comma), portal.substr(comma + 1));
      sessions_.at(sid).serial = target->second.serial;
    }
  } else if (argv.back() == "--logout") {
    note("logout");
    if (!keeps_sessions) {
      remove_session(static_cast<unsigned>(std::stoul(value_of(argv, "--sid"))));
    }
  }
  return outcome;
}

}  // namespace vbs::fakes
