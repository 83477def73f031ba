#include "vmm_delegate/folder.h"

#include <filesystem>

namespace vbs::vmm_delegate {

Result<std::vector<Uuid>> ids_in(const std::string& path, std::string_view suffix) {
  std::error_code error;
  std::filesystem::directory_iterator entries(path, error);
  std::vector<Uuid> ids;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    std::string name = entries->path().filename().string();
    if (!name.ends_with(suffix)) continue;
    name.resize(name.size() - suffix.size());
    if (const auto id = Uuid::parse(name)) ids.push_back(*id);
  }
  if (error) return fail(ErrorCode::internal, "cannot read " + path + ": " + error.message());
  return ids;
}

}  // namespace vbs::vmm_delegate
