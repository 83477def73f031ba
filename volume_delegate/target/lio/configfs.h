#pragma once

#include <string>

#include "volume_delegate/target/lio/config_tree.h"

namespace vbs::volume_delegate {

/// What an errno of the tree means, see ConfigTree.
ErrorCode configfs_error(int number);

/// The kernel's own tree below a mounted configfs.
class Configfs final : public ConfigTree {
 public:
  /// "/sys/kernel/config/target"; it need not be there yet.
  explicit Configfs(std::string root) : root_(std::move(root)) {}

  Result<std::vector<std::string>> folders(const std::string& path) override;
  Result<std::vector<std::string>> links(const std::string& path) override;
  Result<std::string> link_target(const std::string& path) override;
  Result<std::string> read(const std::string& path) override;
  Result<void> write(const std::string& path, std::string_view text) override;
  Result<void> make_folder(const std::string& path) override;
  Result<void> remove_folder(const std::string& path) override;
  Result<void> link(const std::string& path, const std::string& target) override;
  Result<void> unlink(const std::string& path) override;

 private:
  std::string full(const std::string& path) const;

  const std::string root_;
};

}  // namespace vbs::volume_delegate
