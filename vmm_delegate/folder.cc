#include "vmm_delegate/folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

namespace vbs::vmm_delegate {

Result<void> make_private_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  const int number = errno;
  return fail(number == ENOSPC ? ErrorCode::insufficient_space : ErrorCode::internal,
              "cannot make the folder " + path + ": " + errno_text(number));
}

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
