#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
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
/// Devices are files, of extents on one disk "/dev/vdb": what an LV left in them is found by the
/// next one that gets them. Thread-safe.
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
    const bool anywhere = lv.segments.empty();
    for (std::uint64_t at = 0; anywhere && at < lv.size_bytes; at += kExtent) {
      const std::string extent = std::to_string(next_extent_++);
      lv.segments.push_back({at, "/dev/vdb:" + extent + "-" + extent});
    }
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
  std::uint64_t metadata_free_bytes = 500 << 10;
  /// What extents hold that no LV had before.
  char free_extents_hold = '\0';

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
    if (names_taken_extents(arguments)) {
      outcome.exit_code = 5;
      outcome.err =
          "  Insufficient suitable allocatable extents for logical volume: 2 more required\n";
      return outcome;
    }
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
  /// "/dev/vdb:8-11" -> 8, 9, 10, 11
  static std::vector<std::uint64_t> extents_in(const std::string& range) {
    const auto colon = range.find(':');
    const std::uint64_t last = std::stoull(range.substr(range.find('-', colon) + 1));
    std::vector<std::uint64_t> out;
    for (auto extent = std::stoull(range.substr(colon + 1)); extent <= last; ++extent) {
      out.push_back(extent);
    }
    return out;
  }
  static std::vector<std::uint64_t> extents_named(const Arguments& arguments) {
    std::vector<std::uint64_t> out;
    for (const auto& argument : arguments) {
      if (!argument.starts_with("/dev/vdb:")) continue;
      for (const auto extent : extents_in(argument)) out.push_back(extent);
    }
    return out;
  }
  bool names_taken_extents(const Arguments& arguments) const {
    const auto named = extents_named(arguments);
    for (const auto& [name, lv] : rows_) {
      for (const auto& segment : lv.segments) {
        for (const auto extent : extents_in(segment.ranges)) {
          if (std::find(named.begin(), named.end(), extent) != named.end()) return true;
        }
      }
    }
    return false;
  }
  void extend(LogicalVolume& lv, std::uint64_t bytes, std::vector<std::uint64_t> onto) {
    const std::uint64_t from = lv.size_bytes;
    lv.size_bytes = bytes;
    make_device(lv.name, bytes);
    while (onto.size() < (bytes - from) / kExtent) onto.push_back(next_extent_++);
    for (std::uint64_t at = from; at < bytes; at += kExtent) {
      const std::uint64_t extent = onto[(at - from) / kExtent];
      const std::string number = std::to_string(extent);
      lv.segments.push_back({at, "/dev/vdb:" + number + "-" + number});
      const auto left = left_.find(extent);
      const std::string old =
          left == left_.end() ? std::string(kExtent, free_extents_hold) : left->second;
      const FileDescriptor fd(::open(device(lv.name).c_str(), O_WRONLY));
      EXPECT_EQ(static_cast<ssize_t>(kExtent),
                ::pwrite(fd.get(), old.data(), kExtent, static_cast<off_t>(at)));
    }
  }
  void remove(const std::string& name) {
    const LogicalVolume lv = rows_.at(name);
    rows_.erase(name);
    const FileDescriptor fd(::open(device(name).c_str(), O_RDONLY));
    for (const auto& segment : lv.segments) {
      for (const auto extent : extents_in(segment.ranges)) {
        std::string bytes(kExtent, '\0');
        EXPECT_LE(
            0, ::pread(fd.get(), bytes.data(), kExtent, static_cast<off_t>(segment.start_bytes)));
        left_[extent] = std::move(bytes);
      }
    }
    ::unlink(device(name).c_str());
  }
  void apply(const Arguments& arguments) {
    const std::string& what = arguments.front();
    std::string last = arguments.back();
    if (what == "lvextend") last = *(std::find(arguments.begin(), arguments.end(), "--") + 1);
    if (last.starts_with("vg/")) last = last.substr(3);
    if (what == "lvcreate") return create(arguments, last);
    if (what == "lvremove") return remove(last);
    LogicalVolume& lv = rows_.at(last);
    if (what == "lvconvert") {
      lv.origin.clear();
      make_device(last, lv.size_bytes);  // it shows its room now
    }
    if (what == "lvextend") {
      extend(lv, std::stoull(values(arguments, "--size").front()), extents_named(arguments));
    }
    if (!values(arguments, "--activate").empty()) lv.active = true;
    if (arguments[1] == "--refresh") lv.suspended = false;
    // The real one then says "No command with matching syntax recognised".
    const std::set<std::string> given(arguments.begin(), arguments.end());
    EXPECT_TRUE(what != "lvchange" || given.contains("--deltag") || given.contains("--addtag") ||
                given.contains("--activate") || given.contains("--refresh"))
        << "lvchange wants something to change";
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
    extend(lv, size.empty() ? rows_.at(lv.origin).size_bytes : std::stoull(size.front()), {});
    rows_[lv.name] = lv;
  }

  static std::string share(const std::optional<double>& percent) {
    return percent ? std::to_string(*percent) : "";
  }
  void group_columns(json::Writer& out) const {
    out.member("vg_size", std::to_string(4 * kGiB));
    out.member("vg_free", std::to_string(free_bytes));
    out.member("vg_extent_size", std::to_string(kExtent));
    out.member("vg_mda_free", std::to_string(metadata_free_bytes));
  }
  void row_columns(json::Writer& out, const LogicalVolume& lv, const LvSegment& segment) const {
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
    out.member("lv_suspended", lv.suspended ? "1" : "0");
    const dev_t number = lv.device_number.value_or(0);  // as a file has
    out.member("lv_kernel_major", lv.active ? std::to_string(major(number)) : "-1");
    out.member("lv_kernel_minor", lv.active ? std::to_string(minor(number)) : "-1");
    out.member("seg_start", std::to_string(segment.start_bytes));
    out.member("seg_pe_ranges", segment.ranges);
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
      for (const auto& segment : lv.segments) {
        out.begin_object();
        row_columns(out, lv, segment);
        out.end_object();
      }
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
  std::uint64_t next_extent_ = 0;
  std::map<std::uint64_t, std::string> left_;  // in extents that an LV had
};

/// "lvchange", "lvremove", ...
inline std::vector<std::string> names_of(const std::vector<Arguments>& commands) {
  std::vector<std::string> out;
  for (const auto& command : commands) out.push_back(command.front());
  return out;
}

}  // namespace vbs::volume_delegate::testing
