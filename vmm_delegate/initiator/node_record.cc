#include "vmm_delegate/initiator/node_record.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "common/file.h"
#include "common/private_folder.h"
#include "vmm_delegate/folder.h"

namespace vbs::vmm_delegate {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> cannot(std::string_view act, const fs::path& path,
                             const std::error_code& why) {
  return fail(ErrorCode::internal,
              "cannot " + std::string(act) + " " + path.string() + ": " + why.message());
}

/// The entries of a folder; none where it is absent.
Result<std::vector<fs::path>> list_folder(const fs::path& folder) {
  std::error_code error;
  auto entries = entries_of(folder, error);
  const bool absent =
      error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  if (error && !absent) return cannot("read", folder, error);
  return entries;
}

Result<void> write_if_other(const std::string& path, const std::string& text) {
  const auto there = read_file(path);
  if (there && *there == text) return {};
  return write_file_durably(path, text, 0600);
}

}  // namespace

NodeRecords::NodeRecords(std::string folder, RecordCommon common)
    : folder_(std::move(folder)), nodes_(folder_ + "/nodes"), common_(std::move(common)) {}

Result<void> NodeRecords::write_interface() {
  const std::lock_guard lock(interface_mutex_);
  const std::string interfaces = folder_ + "/ifaces";
  if (auto made = make_private_folder(interfaces); !made) return made;
  return write_if_other(interfaces + "/" + common_.interface, interface_record_text(common_));
}

std::string NodeRecords::path_of(const std::string& iqn, const PortalAddress& portal,
                                 std::uint32_t portal_group) const {
  return nodes_ + "/" + iqn + "/" + portal.address + "," + portal.port + "," +
         std::to_string(portal_group) + "/" + common_.interface;
}

Result<void> NodeRecords::write(const wire::SessionSpec& session, const PortalAddress& portal,
                                std::uint32_t portal_group) {
  const std::string path = path_of(session.iqn, portal, portal_group);
  const fs::path group = fs::path(path).parent_path();
  for (const fs::path& folder : {fs::path(nodes_), group.parent_path(), group}) {
    if (auto made = make_private_folder(folder.string()); !made) return made;
  }
  auto others = files(attachment_of(session.iqn));
  if (!others) return fail(others.error());
  for (const File& file : *others) {
    if (file.path == path) continue;
    if (auto removed = remove_file(file); !removed) return removed;
  }
  return write_if_other(path, node_record_text(common_, session, portal, portal_group));
}

Result<std::vector<NodeRecords::File>> NodeRecords::files(const std::optional<Uuid>& only) const {
  const auto targets = list_folder(nodes_);
  if (!targets) return fail(targets.error());
  std::vector<File> files;
  for (const fs::path& target : *targets) {
    const auto attachment = attachment_of(target.filename().string());
    if (!attachment || (only && *attachment != *only)) continue;
    const auto portals = list_folder(target);
    if (!portals) return fail(portals.error());
    for (const fs::path& portal : *portals) {
      const auto records = list_folder(portal);
      if (!records) return fail(records.error());
      for (const fs::path& record : *records) {
        const std::string name = record.filename().string();
        if (name != common_.interface && name != common_.interface + std::string(kTemporarySuffix))
          continue;
        files.push_back({*attachment, record.string()});
      }
    }
  }
  return files;
}

Result<std::vector<NodeRecords::Found>> NodeRecords::list() const {
  auto all = files(std::nullopt);
  if (!all) return fail(all.error());
  std::vector<Found> found;
  for (const File& file : *all) {
    const auto text = read_file(file.path);
    found.push_back({file.attachment, text ? generation_in(*text) : 0});
  }
  return found;
}

Result<std::optional<wire::SessionSpec>> NodeRecords::session(const Uuid& attachment) const {
  const auto all = files(attachment);
  if (!all) return fail(all.error());
  std::optional<wire::SessionSpec> newest;
  for (const File& file : *all) {
    const auto text = read_file(file.path);
    if (!text) return fail(text.error());
    auto session = session_in(*text);
    if (!session || attachment_of(session->iqn) != attachment) continue;
    if (!newest || newest->generation < session->generation) newest = std::move(session);
  }
  return newest;
}

Result<void> NodeRecords::remove_file(const File& file) {
  const fs::path path(file.path);
  std::error_code error;
  fs::remove(path, error);
  if (error) return cannot("remove", path, error);
  return {};
}

Result<void> NodeRecords::remove_empty_folders(const Uuid& attachment) const {
  const auto targets = list_folder(nodes_);
  if (!targets) return fail(targets.error());
  for (const fs::path& target : *targets) {
    if (attachment_of(target.filename().string()) != attachment) continue;
    const auto portals = list_folder(target);
    if (!portals) return fail(portals.error());
    // Folders stay while other interfaces have records in them.
    for (const fs::path& portal : *portals) ::rmdir(portal.c_str());
    ::rmdir(target.c_str());
  }
  return {};
}

Result<void> NodeRecords::remove(const Uuid& attachment) {
  auto all = files(attachment);
  if (!all) return fail(all.error());
  for (const File& file : *all) {
    if (auto removed = remove_file(file); !removed) return removed;
  }
  return remove_empty_folders(attachment);
}

}  // namespace vbs::vmm_delegate
