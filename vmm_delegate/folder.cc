#include "vmm_delegate/folder.h"

namespace vbs::vmm_delegate {

std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder,
                                              std::error_code& error) {
  std::vector<std::filesystem::path> entries;
  std::filesystem::directory_iterator each(folder, error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    entries.push_back(each->path());
  }
  return entries;
}

Result<std::vector<Uuid>> ids_in(const std::string& path, std::string_view suffix) {
  std::error_code error;
  std::vector<Uuid> ids;
  for (const std::filesystem::path& entry : entries_of(path, error)) {
    std::string name = entry.filename().string();
    if (!name.ends_with(suffix)) continue;
    name.resize(name.size() - suffix.size());
    if (const auto id = Uuid::parse(name)) ids.push_back(*id);
  }
  if (error) return fail(ErrorCode::internal, "cannot read " + path + ": " + error.message());
  return ids;
}

}  // namespace vbs::vmm_delegate
