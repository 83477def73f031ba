#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace vbs::volume_delegate {

/// What links are called here; the kernel wants a name and does not mind which.
inline const std::string kLioLink = "unit";

/// Configuration objects of the kernel as a tree of folders, attributes and links (Linux
/// Documentation/filesystems/configfs.rst). Paths are relative to its root, "" is the root itself.
/// Making a folder makes an object together with its attributes and the groups that belong to it;
/// those go with it. The root is listed only where it is the kernel's. Thread-safe.
///
/// Errors: not_found (ENOENT), already_exists (EEXIST), conflict (EBUSY, ENOTEMPTY: something still
/// refers to the object), forbidden (EPERM, EACCES), insufficient_space (ENOSPC), node_unavailable
/// (EADDRINUSE, EADDRNOTAVAIL: a portal cannot be had), and internal for the rest; all name the
/// path and the kernel's word for it.
class ConfigTree {
 public:
  virtual ~ConfigTree() = default;

  virtual Result<std::vector<std::string>> folders(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> links(const std::string& path) = 0;
  /// Where a link leads, as a path in the tree.
  virtual Result<std::string> link_target(const std::string& path) = 0;
  /// An attribute without its closing line end.
  virtual Result<std::string> read(const std::string& path) = 0;
  /// One write of exactly this text. It is in no error: it may be a secret.
  virtual Result<void> write(const std::string& path, std::string_view text) = 0;
  virtual Result<void> make_folder(const std::string& path) = 0;
  virtual Result<void> remove_folder(const std::string& path) = 0;
  virtual Result<void> link(const std::string& path, const std::string& target) = 0;
  virtual Result<void> unlink(const std::string& path) = 0;
};

}  // namespace vbs::volume_delegate
