#include "volume_delegate/target/lio/configfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "common/file.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::size_t kPage = 4096;     // what one read of an attribute gives at most
constexpr long kConfigfs = 0x62656570;  // fs/configfs/mount.c

tl::unexpected<Error> refused(const char* what, const std::string& path, int number) {
  return fail(configfs_error(number),
              "cannot " + std::string(what) + " " + path + ": " + errno_text(number));
}

Result<std::vector<std::string>> entries(const std::string& path, unsigned char type) {
  struct Close {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  const std::unique_ptr<DIR, Close> dir(::opendir(path.c_str()));
  if (!dir) return refused("list", path, errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (entry->d_type == type && name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) return refused("list", path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

ErrorCode configfs_error(int number) {
  switch (number) {
    case ENOENT:
      return ErrorCode::not_found;
    case EEXIST:
      return ErrorCode::already_exists;
    case EBUSY:
    case ENOTEMPTY:
      return ErrorCode::conflict;
    case EPERM:
    case EACCES:
    case EROFS:
      return ErrorCode::forbidden;
    case ENOSPC:
      return ErrorCode::insufficient_space;
    case EADDRINUSE:
    case EADDRNOTAVAIL:
      return ErrorCode::node_unavailable;
    default:
      return ErrorCode::internal;
  }
}

std::string Configfs::full(const std::string& path) const {
  return path.empty() ? root_ : root_ + "/" + path;
}

Result<std::vector<std::string>> Configfs::folders(const std::string& path) {
  struct statfs system {};
  if (path.empty() && ::statfs(root_.c_str(), &system) == 0 && system.f_type != kConfigfs) {
    return fail(ErrorCode::internal, root_ + " is not of the kernel's configfs");
  }
  return entries(full(path), DT_DIR);
}

Result<std::vector<std::string>> Configfs::links(const std::string& path) {
  return entries(full(path), DT_LNK);
}

Result<std::string> Configfs::link_target(const std::string& path) {
  struct Free {
    void operator()(char* text) const { std::free(text); }
  };
  const std::unique_ptr<char, Free> root(::realpath(root_.c_str(), nullptr));
  if (!root) return refused("resolve", root_, errno);
  const std::unique_ptr<char, Free> target(::realpath(full(path).c_str(), nullptr));
  if (!target) return refused("resolve", full(path), errno);
  const std::string inside = std::string(root.get()) + "/";
  const std::string text(target.get());
  if (text.starts_with(inside)) return text.substr(inside.size());
  return fail(ErrorCode::internal, full(path) + " leads out of the tree, to " + text);
}

Result<std::string> Configfs::read(const std::string& path) {
  const std::string name = full(path);
  const FileDescriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return refused("open", name, errno);
  std::string text(kPage, '\0');
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got < 0) return refused("read", name, errno);
  text.resize(static_cast<std::size_t>(got));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<void> Configfs::write(const std::string& path, std::string_view text) {
  const std::string name = full(path);
  const FileDescriptor file(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return refused("open", name, errno);
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written < 0) return refused("write", name, errno);
  return {};  // the kernel takes an attribute as a whole, whatever it says of its length
}

Result<void> Configfs::make_folder(const std::string& path) {
  if (::mkdir(full(path).c_str(), 0755) == 0) return {};
  return refused("make", full(path), errno);
}

Result<void> Configfs::remove_folder(const std::string& path) {
  if (::rmdir(full(path).c_str()) == 0) return {};
  return refused("remove", full(path), errno);
}

Result<void> Configfs::link(const std::string& path, const std::string& target) {
  if (::symlink(full(target).c_str(), full(path).c_str()) == 0) return {};
  return refused("link", full(path), errno);
}

Result<void> Configfs::unlink(const std::string& path) {
  if (::unlink(full(path).c_str()) == 0) return {};
  return refused("unlink", full(path), errno);
}

}  // namespace vbs::volume_delegate
