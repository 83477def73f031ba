#include "volume_delegate/record_folder.h"

#include <dirent.h>

#include <cerrno>
#include <memory>

#include "common/file.h"
#include "common/private_folder.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr std::size_t kRecordLimit = 64 * 1024;

}  // namespace

Result<DirectoryRecords> DirectoryRecords::open(const std::string& folder) {
  if (auto made = make_private_folder(folder); !made) return fail(made.error());
  if (auto removed = remove_temporary_files(folder); !removed) return fail(removed.error());
  return DirectoryRecords(folder);
}

Result<std::vector<std::string>> DirectoryRecords::names() {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder_.c_str()), ::closedir);
  if (!dir) {
    return fail(ErrorCode::internal, "cannot read folder " + folder_ + ": " + errno_text(errno));
  }
  std::vector<std::string> out;
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (name.ends_with(kSuffix)) out.emplace_back(name.substr(0, name.size() - kSuffix.size()));
    errno = 0;
  }
  if (errno != 0) {
    return fail(ErrorCode::internal, "cannot read folder " + folder_ + ": " + errno_text(errno));
  }
  return out;
}

Result<std::string> DirectoryRecords::read(const std::string& name) {
  return read_file(path(name), kRecordLimit);
}

Result<void> DirectoryRecords::write(const std::string& name, std::string_view text) {
  return write_file_durably(path(name), text, 0600);
}

Result<void> DirectoryRecords::remove(const std::string& name) {
  return remove_file_durably(path(name));
}

}  // namespace vbs::volume_delegate
