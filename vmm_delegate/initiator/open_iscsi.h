#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "vmm_delegate/initiator/initiator.h"
#include "vmm_delegate/initiator/iscsiadm.h"
#include "vmm_delegate/initiator/kernel_sessions.h"
#include "vmm_delegate/initiator/node_record.h"
#include "vmm_delegate/initiator/portal_memory.h"
#include "vmm_delegate/initiator/scsi_layer.h"
#include "vmm_delegate/initiator/uevents.h"
#include "vmm_delegate/keyed_lock.h"

namespace vbs::vmm_delegate {

/// A login from this process that tells why one by iscsid was refused; answers the serial.
using LoginTrial =
    std::function<Result<std::string>(const wire::SessionSpec& session, Milliseconds limit)>;

/// Whether the last order for an attachment has removed it.
using IsRemoved = std::function<bool(const Uuid& attachment)>;

struct OpenIscsiOptions {
  RecordCommon records;
  /// Ask the portal for its targets before each login, as the manual way does.
  bool discovery = false;
  std::string iscsi_folder = "/etc/iscsi";
  std::string sysfs = "/sys";
  std::string by_path = "/dev/disk/by-path";
  /// For one call. Longer than the front service waits, which asks again then: what has been done
  /// by that time stays done.
  Milliseconds limit{15'000};
  /// For what is written to a disk to reach its target.
  Milliseconds flush_limit{3'000};
  /// How long a session that has lost its target, or a disk that is in use for a moment, is given.
  Milliseconds patience{1'500};
  /// To bring back all sessions at the start. Those that take longer are brought back later.
  Milliseconds restore_limit{20'000};
  /// Between two tries.
  Milliseconds restore_pause{5'000};
  Iscsiadm::Options iscsiadm;
  LoginTrial trial;
};

/// The initiator of the Linux kernel, run by open-iscsi. One session an attachment, bound to this
/// node's interface; its one disk is found below the session in sysfs, never by a letter, and its
/// serial is asked of the target itself. What does not belong to the interface is never touched.
/// What it does and how long each step may take is in docs/decisions/0011.
class OpenIscsi final : public Initiator {
 public:
  OpenIscsi(OpenIscsiOptions options, std::unique_ptr<ScsiLayer> scsi);

  /// To be called before the first request: makes the interface, logs in again where a power cut of
  /// this host has ended a session and left its record, and logs out sessions without a record that
  /// nobody uses. A target that refuses loses its record; a portal that does not answer keeps it,
  /// and `bring_back` tries it again: the VM may be off, and nobody else repairs its attachments.
  /// So it does with sessions that end later without an order, as by an iscsiadm that outlived who
  /// had started it.
  Result<void> prepare(IsRemoved is_removed);
  void bring_back() override;

  bool is_host() const override { return true; }
  Result<wire::SessionStatus> log_in(const Uuid& attachment,
                                     const wire::SessionSpec& session) override;
  Result<wire::SessionStatus> refresh_size(const Uuid& attachment,
                                           const wire::SessionSpec& session) override;
  Result<void> prove_shown(const Uuid& attachment, const wire::SessionSpec& session) override;
  Result<void> log_out(const Uuid& attachment) override;
  /// Without asking any target: the serial is the one that the kernel knows.
  Result<std::vector<wire::SessionStatus>> sessions() override;

 private:
  /// One call: what it is about, and how long it may take.
  struct Call {
    const Uuid& attachment;
    MonotonicTime deadline;
    Uevents events;
    bool restores;  ///< what was there before, so that its record outlives a silent portal

    Milliseconds left() const;
  };
  struct Wanted {
    const wire::SessionSpec& spec;
    PortalAddress portal;
  };

  Result<KeyedLock::Guard> lock(const Uuid& attachment);
  Call begin(const Uuid& attachment) const;
  bool is_ours(const KernelSession& session) const;
  /// The session of the attachment, if it is there.
  Result<std::optional<KernelSession>> find(const Uuid& attachment) const;

  Result<wire::SessionStatus> log_in_during(Call& call, const Wanted& wanted);
  /// Nothing, where there is none that can be used and none is in the way.
  Result<std::optional<KernelSession>> usable_session(Call& call, const Wanted& wanted);
  Result<void> undo_login(const Uuid& attachment);
  Result<KernelSession> make_session(Call& call, const Wanted& wanted);
  Result<std::uint32_t> portal_group(Call& call, const Wanted& wanted);
  Error why_refused(Call& call, const Wanted& wanted, Error error) const;
  Result<ScsiDisk> disk_of(Call& call, const Wanted& wanted, const KernelSession& session);
  Result<void> prove(Call& call, const Wanted& wanted, const ScsiDisk& disk);
  /// Where udev links the disk.
  std::string link_of(const Wanted& wanted) const;
  Result<std::string> linked_path(Call& call, const Wanted& wanted, const ScsiDisk& disk);
  Result<wire::SessionStatus> status_of(Call& call, const Wanted& wanted,
                                        const KernelSession& session);

  Result<void> end_session(Call& call, const KernelSession& session);
  Result<void> let_go(Call& call, const KernelSession& session);
  Result<void> check_unused(Call& call, const ScsiDisk& disk);
  /// Success also where the target has nothing any more that could be flushed.
  Result<void> flush(Call& call, const ScsiDisk& disk);
  Result<void> log_out_of(Call& call, std::uint64_t sid);
  /// Notes sessions that have ended and left their record; answers those that have none.
  Result<std::set<Uuid>> compare();
  void restore();
  /// False where it is to be tried again.
  bool restore_one(const Uuid& attachment, MonotonicTime deadline, std::set<std::string>& silent);
  Result<wire::SessionStatus> log_in_again(const Uuid& attachment, const wire::SessionSpec& session,
                                           MonotonicTime deadline);
  void drop_record(const Uuid& attachment, std::string_view why);
  void sweep_sessions(const std::set<Uuid>& unrecorded);

  const OpenIscsiOptions options_;
  const std::unique_ptr<ScsiLayer> scsi_;
  NodeRecords records_;
  const KernelSessions kernel_;
  Iscsiadm iscsiadm_;
  PortalMemory portals_;
  KeyedLock locks_;  ///< by attachment
  // Of prepare() and bring_back() alone:
  IsRemoved is_removed_;
  std::set<Uuid> ended_;  ///< attachments whose sessions are to be brought back
  MonotonicTime restore_again_{};
};

}  // namespace vbs::vmm_delegate
