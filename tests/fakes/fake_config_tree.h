#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "volume_delegate/target/lio/config_tree.h"

namespace vbs::fakes {

/// The kernel's tree of LIO in memory, as far as an export touches it: objects come with their
/// attributes and groups, what is referred to cannot be removed, a device is open in one backstore
/// only, identities cannot change while something leads to them, disabling a portal group ends its
/// sessions. Thread-safe.
class FakeConfigTree final : public volume_delegate::ConfigTree {
 public:
  FakeConfigTree();

  Result<std::vector<std::string>> folders(const std::string& path) override;
  Result<std::vector<std::string>> links(const std::string& path) override;
  Result<std::string> link_target(const std::string& path) override;
  Result<std::string> read(const std::string& path) override;
  Result<void> write(const std::string& path, std::string_view text) override;
  Result<void> make_folder(const std::string& path) override;
  Result<void> remove_folder(const std::string& path) override;
  Result<void> link(const std::string& path, const std::string& target) override;
  Result<void> unlink(const std::string& path) override;

  /// The process dies: after so many more changes every call fails, until it is taken back.
  void die_after(std::optional<std::size_t> changes);
  std::size_t changes() const;
  /// Nobody has the tree mounted: nothing of it is found, and what it serves it goes on serving.
  void hide(bool hidden);
  /// Somebody else has every portal, or nobody any more.
  void take_portals(bool taken);
  /// Writes to this attribute, and removals of this folder, wait in the kernel meanwhile; nothing
  /// for "none".
  void hang(std::optional<std::string> path);
  /// Called after every change.
  void set_watcher(std::function<void()> watcher);

  /// What a login comes to.
  enum class Login { refused, without_unit, read_only, read_write };
  Login try_login(const std::string& iqn, const std::string& initiator, const std::string& user,
                  const std::string& secret) const;
  /// The same, and if it is let in the session stays.
  Login log_in(const std::string& iqn, const std::string& initiator, const std::string& user,
               const std::string& secret);
  bool has_session(const std::string& iqn) const;
  /// Every path below `path`, for comparisons.
  std::set<std::string> everything(const std::string& path) const;

 private:
  struct Node {
    enum class Kind { folder, own_folder, attribute, link } kind;
    std::string text;  ///< value, or where a link leads
  };
  using Nodes = std::map<std::string, Node>;

  Result<void> enter_change();
  void wait_for_device(const std::string& path);
  const Node* see(const std::string& path) const;
  void changed();
  const Node* find(const std::string& path) const;
  std::string value(const std::string& path) const;
  void add_own(const std::string& path, const std::vector<std::string>& folders,
               const std::map<std::string, std::string>& attributes);
  Result<void> fill(const std::string& path);
  bool led_to(const std::string& path) const;
  Result<void> check_write(const std::string& path, const std::string& text);
  void follow(const std::string& path, const std::string& text);
  Login judge(const std::string& iqn, const std::string& initiator, const std::string& user,
              const std::string& secret) const;
  Result<std::vector<std::string>> children(const std::string& path, bool links) const;

  mutable std::mutex mutex_;
  Nodes nodes_;
  bool hidden_ = false;
  bool portals_taken_ = false;
  std::optional<std::string> hanging_;
  std::condition_variable answers_;
  std::optional<std::size_t> left_;
  std::size_t changes_ = 0;
  std::function<void()> watcher_;
};

}  // namespace vbs::fakes
