#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_library.h"

/// libvirt's objects, owned and with errors as values. Calls block for as long as libvirt does; see
/// BoundedCalls. An object is for one thread at a time.
///
/// Errors: not_found (no such domain or device), conflict (libvirt or the hypervisor refuses),
/// overloaded (another request holds the domain; surely not done), node_unavailable (libvirtd is
/// not there, so that nothing was done), forbidden, timeout (libvirtd went away during the call, or
/// the guest's agent does not answer).
namespace vbs::vmm_delegate::libvirt {

enum class Power { off, running, paused, unknown };
enum class Definition { live, saved };

/// Who hears when a device has left a domain.
class RemovalWatch {
 public:
  RemovalWatch(const Library& library, virConnectPtr connection, virDomainPtr domain,
               std::string alias);
  ~RemovalWatch();
  RemovalWatch(const RemovalWatch&) = delete;
  RemovalWatch& operator=(const RemovalWatch&) = delete;

  /// Returns as soon as it has left, and after `limit` at the latest; at once where the hypervisor
  /// does not tell.
  void wait(Milliseconds limit);

 private:
  struct Shared;
  const Library& library_;
  virConnectPtr connection_;
  std::shared_ptr<Shared> shared_;
  int callback_ = -1;
};

/// One domain; the connection must outlive it.
class Domain {
 public:
  Domain(const Library& library, virConnectPtr connection, virDomainPtr domain);

  Result<Power> power() const;
  Result<bool> is_persistent() const;
  std::optional<Uuid> uuid() const;
  Result<std::string> xml(Definition definition) const;
  std::unique_ptr<RemovalWatch> watch_removal(std::string alias) const;

  /// `flags` of virDomainDeviceModifyFlags.
  Result<void> attach(const std::string& xml, unsigned flags) const;
  /// Asks for the removal of the device; where the hypervisor knows no aliases, of that which `xml`
  /// describes.
  Result<void> detach(const std::string& alias, const std::string& xml, unsigned flags) const;
  Result<void> suspend() const;
  Result<void> resume() const;
  /// Of all disks since the start. Waits until changes under way have ended.
  Result<std::int64_t> writes() const;
  /// Of the disk as the guest sees it; 0 where the hypervisor does not tell.
  std::uint64_t size(const std::string& target) const;
  /// Success also where the hypervisor sees to that by itself.
  Result<void> resize(const std::string& target, std::uint64_t size_bytes) const;
  /// The agent's answer as it came, "{"return": ...}".
  Result<std::string> ask_agent(const std::string& command, Milliseconds limit) const;
  /// QEMU's answer as it came, "{"return": ...}" or "{"error": ...}". Waits until changes under way
  /// have ended.
  Result<std::string> ask_monitor(const std::string& command) const;
  Result<void> freeze() const;
  Result<void> thaw() const;

 private:
  struct Free {
    const Library* library;
    void operator()(virDomainPtr domain) const { library->virDomainFree(domain); }
  };
  Result<void> done(int answer, const char* what) const;

  const Library& library_;
  virConnectPtr connection_;
  std::unique_ptr<virDomain, Free> domain_;
};

/// One connection to libvirtd.
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(const Library& library, const std::string& uri);

  Result<Domain> domain(const std::string& name) const;
  /// Of all domains, sorted.
  Result<std::vector<std::string>> names() const;
  bool is_alive() const;

 private:
  struct Close {
    const Library* library;
    void operator()(virConnectPtr connection) const { library->virConnectClose(connection); }
  };
  Session(const Library& library, virConnectPtr connection);

  const Library& library_;
  std::unique_ptr<virConnect, Close> connection_;
};

/// Connections for one call each: libvirtd serves only a few requests of one connection at once, so
/// that a call that hangs must keep nobody else's. Thread-safe.
class SessionPool {
 public:
  explicit SessionPool(std::string uri) : uri_(std::move(uri)) {}

  Result<std::unique_ptr<Session>> take();
  /// Keeps it for the next, if it is still good and not too many are kept.
  void give_back(std::unique_ptr<Session> session);

 private:
  const std::string uri_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> idle_;
};

}  // namespace vbs::vmm_delegate::libvirt
