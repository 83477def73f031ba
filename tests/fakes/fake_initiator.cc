#include "tests/fakes/fake_initiator.h"

namespace vbs::fakes {

void FakeInitiator::set_target(Target target) {
  const std::lock_guard lock(mutex_);
  target_ = std::move(target);
}

int FakeInitiator::logins() const {
  const std::lock_guard lock(mutex_);
  return logins_;
}

Result<wire::SessionStatus> FakeInitiator::log_in(const Uuid& attachment,
                                                  const wire::SessionSpec& session) {
  const std::lock_guard lock(mutex_);
  ++logins_;
  const Result<std::string> serial =
      target_ ? target_(session) : Result<std::string>(session.volume.str());
  if (!serial) return fail(serial.error());
  if (*serial != session.volume.str()) {
    return fail(ErrorCode::conflict, "the logical unit has the serial of another volume");
  }
  const std::string path = kind_ == Kind::of_host ? "/dev/fake/" + attachment.str() : "";
  const std::uint64_t size_bytes = kind_ == Kind::of_host ? size_bytes_ : 0;
  const wire::SessionStatus status{attachment, *serial, path, session.generation, size_bytes};
  if (kind_ == Kind::of_host) sessions_[attachment] = status;
  return status;
}

void FakeInitiator::set_users(Users users) {
  const std::lock_guard lock(mutex_);
  users_ = std::move(users);
}

void FakeInitiator::set_size(std::uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  size_bytes_ = size_bytes;
}

Result<wire::SessionStatus> FakeInitiator::refresh_size(const Uuid& attachment,
                                                        const wire::SessionSpec& session) {
  const std::lock_guard lock(mutex_);
  if (kind_ == Kind::of_vms) {
    return wire::SessionStatus{attachment, session.volume.str(), "", session.generation};
  }
  const auto found = sessions_.find(attachment);
  if (found == sessions_.end()) return fail(ErrorCode::not_found, "the host has no such session");
  found->second.size_bytes = size_bytes_;
  return found->second;
}

void FakeInitiator::set_shown(Result<void> shown) {
  const std::lock_guard lock(mutex_);
  shown_ = std::move(shown);
}

Result<void> FakeInitiator::prove_shown(const Uuid&, const wire::SessionSpec&) {
  const std::lock_guard lock(mutex_);
  return kind_ == Kind::of_host ? shown_ : Result<void>();
}

Result<void> FakeInitiator::log_out(const Uuid& attachment) {
  const std::lock_guard lock(mutex_);
  const bool used = sessions_.contains(attachment) && users_ && users_(attachment);
  if (used) return fail(ErrorCode::conflict, "the disk is still used");
  sessions_.erase(attachment);
  return {};
}

Result<std::vector<wire::SessionStatus>> FakeInitiator::sessions() {
  const std::lock_guard lock(mutex_);
  std::vector<wire::SessionStatus> all;
  for (const auto& [attachment, status] : sessions_) all.push_back(status);
  return all;
}

}  // namespace vbs::fakes
