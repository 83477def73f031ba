#include "volume_delegate/store/lvm/lvm_commands.h"

#include <algorithm>
#include <utility>

namespace vbs::volume_delegate {
namespace {

/// Neither dmeventd nor lvmpolld is started: the stores watch for themselves. PVs inside of volumes
/// are a guest's own business. An archive of every change would fill /etc.
constexpr const char* kConfig =
    "devices/scan_lvs=0 activation/monitoring=0 activation/snapshot_autoextend_threshold=100 "
    "activation/thin_pool_autoextend_threshold=100 global/use_lvmpolld=0 backup/archive=0";

std::string bytes(std::uint64_t number) {
  return std::to_string(number) + "b";
}

void add_tags(Arguments& arguments, const std::vector<std::string>& tags) {
  for (const auto& tag : tags) {
    arguments.emplace_back("--addtag");
    arguments.push_back(tag);
  }
}

Arguments with(Arguments arguments, Arguments more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

LvmCommands::LvmCommands(std::string group, const std::vector<std::string>& devices)
    : group_(std::move(group)), common_{"--config", kConfig} {
  for (const auto& device : devices) {
    common_.emplace_back("--devices");
    common_.push_back(device);
  }
}

Arguments LvmCommands::begin(const std::string& command) const {
  return with({command}, common_);
}

Arguments LvmCommands::lvs() const {
  return with(begin("lvs"), {"--reportformat", "json", "--units", "b", "--nosuffix", "--binary",
                             "--options", std::string(lvs_columns()), "--", group_});
}

Arguments LvmCommands::vgs() const {
  return with(begin("vgs"), {"--reportformat", "json", "--units", "b", "--nosuffix", "--options",
                             std::string(vgs_columns()), "--", group_});
}

Arguments LvmCommands::create_linear(const std::string& name, std::uint64_t size_bytes,
                                     const std::vector<std::string>& tags) const {
  // The store zeroes all of it itself, before anybody else sees it.
  auto out = with(begin("lvcreate"), {"--yes", "--type", "linear", "--wipesignatures", "n",
                                      "--zero", "n", "--size", bytes(size_bytes)});
  add_tags(out, tags);
  return with(out, {"--name", name, "--", group_});
}

Arguments LvmCommands::create_snapshot(const std::string& origin, const std::string& name,
                                       std::uint64_t size_bytes,
                                       const std::vector<std::string>& tags) const {
  auto out = with(begin("lvcreate"), {"--yes", "--snapshot", "--size", bytes(size_bytes)});
  add_tags(out, tags);
  return with(out, {"--name", name, "--", path(origin)});
}

Arguments LvmCommands::create_pool(const std::string& name, std::uint64_t size_bytes,
                                   std::uint64_t metadata_bytes) const {
  return with(begin("lvcreate"),
              {"--yes", "--type", "thin-pool", "--zero", "y", "--size", bytes(size_bytes),
               "--poolmetadatasize", bytes(metadata_bytes), "--name", name, "--", group_});
}

Arguments LvmCommands::create_thin(const std::string& pool, const std::string& name,
                                   std::uint64_t size_bytes,
                                   const std::vector<std::string>& tags) const {
  auto out = with(begin("lvcreate"), {"--yes", "--type", "thin", "--wipesignatures", "n",
                                      "--virtualsize", bytes(size_bytes)});
  add_tags(out, tags);
  return with(out, {"--name", name, "--thinpool", pool, "--", group_});
}

Arguments LvmCommands::create_thin_snapshot(const std::string& origin, const std::string& name,
                                            const std::vector<std::string>& tags) const {
  auto out = with(begin("lvcreate"), {"--yes", "--snapshot", "--setactivationskip", "y"});
  add_tags(out, tags);
  return with(out, {"--name", name, "--", path(origin)});
}

Arguments LvmCommands::create_thin_clone(const std::string& origin, const std::string& name,
                                         const std::vector<std::string>& tags) const {
  auto out = with(begin("lvcreate"), {"--yes", "--snapshot", "--setactivationskip", "n",
                                      "--activate", "y", "--permission", "rw"});
  add_tags(out, tags);
  return with(out, {"--name", name, "--", path(origin)});
}

Arguments LvmCommands::create_over_image(const std::string& pool, const std::string& image,
                                         const std::string& name,
                                         const std::vector<std::string>& tags) const {
  auto out =
      with(begin("lvcreate"), {"--yes", "--snapshot", "--setactivationskip", "n", "--activate", "y",
                               "--permission", "rw", "--thinpool", path(pool)});
  add_tags(out, tags);
  return with(out, {"--name", name, "--", path(image)});
}

Arguments LvmCommands::change_tags(const std::string& name, const TagChange& change) const {
  auto out = begin("lvchange");
  for (const auto& tag : change.remove) {
    out.emplace_back("--deltag");
    out.push_back(tag);
  }
  add_tags(out, change.add);
  return with(out, {"--", path(name)});
}

Arguments LvmCommands::activate(const std::vector<std::string>& names) const {
  auto out = with(begin("lvchange"), {"--activate", "y", "--"});
  for (const auto& name : names) out.push_back(path(name));
  return out;
}

Arguments LvmCommands::refresh(const std::string& name) const {
  return with(begin("lvchange"), {"--refresh", "--", path(name)});
}

Arguments LvmCommands::split_snapshot(const std::string& name) const {
  return with(begin("lvconvert"), {"--yes", "--splitsnapshot", "--", path(name)});
}

Arguments LvmCommands::extend(const std::string& name, std::uint64_t size_bytes,
                              const std::vector<ExtentRange>& onto) const {
  auto out = with(begin("lvextend"), {"--size", bytes(size_bytes), "--", path(name)});
  for (const auto& range : onto) out.push_back(range.str());
  return out;
}

Arguments LvmCommands::remove(const std::string& name) const {
  return with(begin("lvremove"), {"--force", "--", path(name)});
}

Arguments LvmCommands::remove_without_discard(const std::string& name) const {
  auto out = remove(name);
  *(std::find(out.begin(), out.end(), "--config") + 1) += " devices/issue_discards=0";
  return out;
}

}  // namespace vbs::volume_delegate
