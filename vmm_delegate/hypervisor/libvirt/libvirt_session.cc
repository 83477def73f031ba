#include "vmm_delegate/hypervisor/libvirt/libvirt_session.h"

#include <algorithm>
#include <cstdlib>

#include "vmm_delegate/hypervisor/libvirt/libvirt_error.h"

namespace vbs::vmm_delegate::libvirt {
namespace {

/// A libvirtd that answers no question within this many times this long is taken for dead.
constexpr int kKeepAliveSeconds = 5;
constexpr unsigned kKeepAliveCount = 3;
constexpr std::size_t kMaxIdle = 8;

}  // namespace

Session::Session(const Library& library, virConnectPtr connection)
    : library_(library), connection_(connection, Close{&library}) {}

Result<std::unique_ptr<Session>> Session::open(const Library& library, const std::string& uri) {
  library.virResetLastError();
  virConnectPtr connection = library.virConnectOpen(uri.c_str());
  if (connection == nullptr) {
    Error error = last_error(library, "connect");
    // Whatever the reason, nothing can be done on this node until it is gone.
    if (error.code != ErrorCode::forbidden) error.code = ErrorCode::node_unavailable;
    error.message += " (" + uri + ")";
    return fail(std::move(error));
  }
  std::unique_ptr<Session> session(new Session(library, connection));
  // Drivers inside this process need none, and say so.
  static_cast<void>(library.virConnectSetKeepAlive(connection, kKeepAliveSeconds, kKeepAliveCount));
  return session;
}

Result<Domain> Session::domain(const std::string& name) const {
  library_.virResetLastError();
  virDomainPtr found = library_.virDomainLookupByName(connection_.get(), name.c_str());
  if (found != nullptr) return Domain(library_, connection_.get(), found);
  Error error = last_error(library_, "find the domain");
  if (error.code == ErrorCode::not_found) error.message = "there is no VM '" + name + "'";
  return fail(std::move(error));
}

Result<std::vector<std::string>> Session::names() const {
  library_.virResetLastError();
  virDomainPtr* domains = nullptr;
  const int count = library_.virConnectListAllDomains(connection_.get(), &domains, 0);
  if (count < 0) return fail(last_error(library_, "list the domains"));
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    const char* name = library_.virDomainGetName(domains[i]);
    if (name != nullptr) names.emplace_back(name);
    library_.virDomainFree(domains[i]);
  }
  std::free(domains);
  std::sort(names.begin(), names.end());
  return names;
}

bool Session::is_alive() const {
  return library_.virConnectIsAlive(connection_.get()) == 1;
}

Result<std::unique_ptr<Session>> SessionPool::take() {
  const auto library = Library::load();
  if (!library) return fail(library.error());
  while (true) {
    std::unique_ptr<Session> session;
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) break;
      session = std::move(idle_.back());
      idle_.pop_back();
    }
    if (session->is_alive()) return session;
  }
  return Session::open(**library, uri_);
}

void SessionPool::give_back(std::unique_ptr<Session> session) {
  if (!session->is_alive()) return;
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(session));
}

}  // namespace vbs::vmm_delegate::libvirt
