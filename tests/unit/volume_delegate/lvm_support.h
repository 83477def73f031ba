#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/file.h"
#include "common/json.h"
#include "common/units.h"
#include "tests/unit/volume_delegate/support.h"
#include "volume_delegate/store/lvm/lvm_tags.h"
#include "volume_delegate/store/lvm/volume_group.h"

namespace vbs::volume_delegate::testing {

/// Answers as lvm does, from rows that a test sets and that commands change; keeps what was called.
/// Devices are files. Thread-safe.
class ScriptedLvm {
 public:
  static constexpr std::uint64_t kExtent = 4 * kMiB;

  std::unique_ptr<VolumeGroup> group(Clock& clock) {
    return std::make_unique<VolumeGroup>(
        LvmCommands("vg", {}), "/sbin/lvm",
        [this](const process::Command& command) { return run(command); }, clock, dir_.path());
  }
  ScriptedLvm() { ::mkdir((dir_ / "vg").c_str(), 0700); }

  std::string device(const std::string& name) const { return dir_ / "vg" + "/" + name; }
  void put(LogicalVolume lv) {
    std::lock_guard lock(mutex_);
    if (lv.segment_type.empty()) lv.segment_type = "linear";
    if (lv.size_bytes == 0) lv.size_bytes = 2 * kExtent;
    make_device(lv.name, lv.size_bytes);
    rows_[lv.name] = std::move(lv);
  }
  void put(const LvRecord& record, const std::string& origin = "") {
    LogicalVolume lv;
    lv.name = lv_name(record.object.id);
    lv.tags = tags_of(record);
    lv.origin = origin;
    lv.active = true;
    put(lv);
  }
  void change(const std::string& name, const std::function<void(LogicalVolume&)>& edit) {
    std::lock_guard lock(mutex_);
    edit(rows_.at(name));
  }
  bool has(const std::string& name) const {
    std::lock_guard lock(mutex_);
    return rows_.contains(name);
  }
  LogicalVolume row(const std::string& name) const {
    std::lock_guard lock(mutex_);
    return rows_.at(name);
  }
  std::uint64_t free_bytes = kGiB;

  /// Commands that change something, without their configuration.
  std::vector<Arguments> changes() const {
    std::lock_guard lock(mutex_);
    return changes_;
  }
  int looks() const {
    std::lock_guard lock(mutex_);
    return looks_;
  }
  /// Called before a command that changes something; an outcome is returned instead of doing it.
  std::function<std::optional<process::Outcome>(const Arguments&)> before;
  /// Called at the begin of every look.
  std::function<void()> on_look;

 private:
  Result<process::Outcome> run(const process::Command& command) {
    Arguments arguments(command.argv.begin() + 1, command.argv.end());
    const auto config = std::find(arguments.begin(), arguments.end(), "--config");
    arguments.erase(config, config + 2);
    process::Outcome outcome;
    if (arguments.front() == "lvs" || arguments.front() == "vgs") {
      if (on_look && arguments.front() == "lvs") on_look();
      std::lock_guard lock(mutex_);
      if (arguments.front() == "lvs") ++looks_;
      outcome.out = report(arguments.front() == "lvs");
      return outcome;
    }
    if (before) {
      if (auto instead = before(arguments)) return *instead;
    }
    std::lock_guard lock(mutex_);
    changes_.push_back(arguments);
    apply(arguments);
    return outcome;
  }

  static std::vector<std::string> values(const Arguments& arguments, const std::string& option) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
      if (arguments[i] == option) out.push_back(arguments[i + 1]);
    }
    return out;
  }
  void make_device(const std::string& name, std::uint64_t size) {
    const FileDescriptor fd(::open(device(name).c_str(), O_RDWR | O_CREAT, 0600));
    EXPECT_TRUE(fd);
    EXPECT_EQ(0, ::ftruncate(fd.get(), static_cast<off_t>(size)));
  }
  void apply(const Arguments& arguments) {
    const std::string& what = arguments.front();
    std::string last = arguments.back();
    if (last.starts_with("vg/")) last = last.substr(3);
    if (what == "lvcreate") return create(arguments, last);
    if (what == "lvremove") {
      rows_.erase(last);
      return;
    }
    LogicalVolume& lv = rows_.at(last);
    if (what == "lvconvert") lv.origin.clear();
    if (what == "lvextend") {
      lv.size_bytes = std::stoull(values(arguments, "--size").front());
      make_device(last, lv.size_bytes);
    }
    if (!values(arguments, "--activate").empty()) lv.active = true;
    for (const auto& tag : values(arguments, "--deltag")) std::erase(lv.tags, tag);
    for (const auto& tag : values(arguments, "--addtag")) lv.tags.push_back(tag);
  }
  void create(const Arguments& arguments, const std::string& last) {
    LogicalVolume lv;
    lv.name = values(arguments, "--name").front();
    lv.tags = values(arguments, "--addtag");
    lv.segment_type = "linear";
    lv.active = true;
    if (last != "vg") lv.origin = last;
    const auto pool = values(arguments, "--thinpool");
    if (!pool.empty()) lv.pool = pool.front().substr(pool.front().find('/') + 1);
    const bool thin_origin = !lv.origin.empty() && !rows_.at(lv.origin).pool.empty();
    if (thin_origin) lv.pool = rows_.at(lv.origin).pool;
    auto size = values(arguments, "--size");
    if (size.empty()) size = values(arguments, "--virtualsize");
    lv.size_bytes = size.empty() ? rows_.at(lv.origin).size_bytes : std::stoull(size.front());
    make_device(lv.name, lv.size_bytes);
    rows_[lv.name] = lv;
  }

  static std::string share(const std::optional<double>& percent) {
    return percent ? std::to_string(*percent) : "";
  }
  void group_columns(json::Writer& out) const {
    out.member("vg_size", std::to_string(4 * kGiB));
    out.member("vg_free", std::to_string(free_bytes));
    out.member("vg_extent_size", std::to_string(kExtent));
  }
  void row_columns(json::Writer& out, const LogicalVolume& lv) const {
    std::string tags;
    for (const auto& tag : lv.tags) tags += (tags.empty() ? "" : ",") + tag;
    out.member("lv_name", lv.name);
    out.member("lv_size", std::to_string(lv.size_bytes));
    out.member("lv_tags", tags);
    out.member("origin", lv.origin);
    out.member("pool_lv", lv.pool);
    out.member("segtype", lv.segment_type);
    out.member("lv_permissions", lv.read_only ? "read-only" : "writeable");
    out.member("lv_active_locally", lv.active ? "1" : "0");
    out.member("lv_device_open", lv.open ? "1" : "0");
    out.member("lv_snapshot_invalid", lv.invalid ? "1" : "-1");
    out.member("data_percent", share(lv.data_percent));
    out.member("metadata_percent", share(lv.metadata_percent));
    out.member("lv_metadata_size", lv.metadata_bytes ? std::to_string(lv.metadata_bytes) : "");
    out.member("chunk_size", std::to_string(lv.chunk_bytes));
    out.member("zero", lv.zeroes ? "1" : "-1");
    out.member("lv_health_status", lv.health);
    group_columns(out);
  }
  std::string report(bool lvs) const {
    json::Writer out;
    out.begin_object();
    out.key("report");
    out.begin_array();
    out.begin_object();
    out.key(lvs ? "lv" : "vg");
    out.begin_array();
    if (!lvs) {
      out.begin_object();
      group_columns(out);
      out.end_object();
    }
    for (const auto& [name, lv] : rows_) {
      if (!lvs) break;
      out.begin_object();
      row_columns(out, lv);
      out.end_object();
    }
    out.end_array();
    out.end_object();
    out.end_array();
    out.end_object();
    return out.take();
  }

  TempDir dir_;
  mutable std::mutex mutex_;
  std::map<std::string, LogicalVolume> rows_;
  std::vector<Arguments> changes_;
  int looks_ = 0;
};

/// "lvchange", "lvremove", ...
inline std::vector<std::string> names_of(const std::vector<Arguments>& commands) {
  std::vector<std::string> out;
  for (const auto& command : commands) out.push_back(command.front());
  return out;
}

}  // namespace vbs::volume_delegate::testing
