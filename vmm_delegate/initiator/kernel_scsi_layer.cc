#include <fcntl.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/file.h"
#include "common/text.h"
#include "vmm_delegate/initiator/disk_users.h"
#include "vmm_delegate/initiator/kernel_calls.h"
#include "vmm_delegate/initiator/scsi_layer.h"
#include "vmm_delegate/initiator/scsi_serial.h"

namespace vbs::vmm_delegate {
namespace {

constexpr unsigned char kInquiry = 0x12;
constexpr unsigned char kProductData = 0x01;  ///< EVPD bit
constexpr unsigned char kPageBytes = 255;
constexpr std::size_t kSenseBytes = 32;

std::string unit_folder(const ScsiDisk& disk) {
  return "/sys/class/scsi_device/" + disk.address + "/device";
}

Result<void> write_attribute(const std::string& path, std::string_view text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file && ::write(file.get(), text.data(), text.size()) >= 0) return {};
  const int number = errno;
  const bool gone = number == ENOENT || number == ENODEV || number == ENXIO;
  return fail(gone ? ErrorCode::not_found : ErrorCode::internal,
              "cannot write " + path + ": " + errno_text(number));
}

bool is_node_of(const ScsiDisk& disk, const struct stat& status) {
  return S_ISBLK(status.st_mode) && status.st_rdev == ::makedev(disk.major, disk.minor);
}

/// Opens the block device and makes sure that it is this disk: names are given again.
Result<FileDescriptor> open_disk(const ScsiDisk& disk) {
  const std::string path = "/dev/" + disk.block;
  // For reading only: udev would look at the disk again after a writer has closed it.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    return fail(ErrorCode::node_unavailable, "cannot open " + path + ": " + errno_text(errno));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    return fail(ErrorCode::internal, "cannot look at " + path + ": " + errno_text(errno));
  }
  if (is_node_of(disk, status)) return file;
  return fail(ErrorCode::conflict, path + " is not the disk " + disk.address + " any more");
}

Result<std::string> inquire_serial(const ScsiDisk& disk, Milliseconds limit) {
  auto file = open_disk(disk);
  if (!file) return fail(file.error());
  std::array<unsigned char, 6> command{kInquiry, kProductData, kSerialPage, 0, kPageBytes, 0};
  std::array<char, kPageBytes> page{};
  std::array<unsigned char, kSenseBytes> sense{};
  sg_io_hdr_t request{};
  request.interface_id = 'S';
  request.dxfer_direction = SG_DXFER_FROM_DEV;
  request.cmd_len = command.size();
  request.cmdp = command.data();
  request.dxfer_len = page.size();
  request.dxferp = page.data();
  request.mx_sb_len = sense.size();
  request.sbp = sense.data();
  request.timeout = static_cast<unsigned>(limit.count());
  if (::ioctl(file->get(), SG_IO, &request) != 0) {
    return fail(ErrorCode::node_unavailable,
                "the serial of disk " + disk.address + " cannot be read: " + errno_text(errno));
  }
  const std::size_t got = page.size() - static_cast<std::size_t>(request.resid);
  const std::string_view answer(page.data(), got);
  const std::string_view told(reinterpret_cast<const char*>(sense.data()), request.sb_len_wr);
  const bool done = (request.info & SG_INFO_OK_MASK) == SG_INFO_OK;
  if (done ? tells_no_unit(answer) : is_sense_of_no_unit(told)) {
    return fail(ErrorCode::not_found,
                "the target of disk " + disk.address + " has no such logical unit any more");
  }
  if (!done) {
    return fail(ErrorCode::node_unavailable, "disk " + disk.address +
                                                 " does not tell its serial (SCSI status " +
                                                 std::to_string(request.status) + ", host status " +
                                                 std::to_string(request.host_status) + ")");
  }
  return serial_of_page(answer);
}

Result<void> sync_disk(const ScsiDisk& disk) {
  auto file = open_disk(disk);
  if (!file) return fail(file.error());
  if (::fsync(file->get()) == 0) return {};
  return fail(ErrorCode::node_unavailable,
              "disk " + disk.address + " cannot be flushed: " + errno_text(errno));
}

class KernelScsiLayer final : public ScsiLayer {
 public:
  Result<void> scan(unsigned host, std::uint32_t lun, Milliseconds limit) override {
    const std::string path = "/sys/class/scsi_host/host" + std::to_string(host) + "/scan";
    // Channel, target, logical unit; software iSCSI has the one target 0.
    const std::string text = "0 0 " + std::to_string(lun);
    return calls_.run<void>("the scan of SCSI host " + std::to_string(host), limit,
                            [=] { return write_attribute(path, text); });
  }

  Result<std::string> serial(const ScsiDisk& disk, Milliseconds limit) override {
    return calls_.run<std::string>("reading the serial of disk " + disk.address, limit,
                                   [=] { return inquire_serial(disk, limit); });
  }

  bool is_at(const ScsiDisk& disk, const std::string& path) override {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && is_node_of(disk, status);
  }

  Result<void> flush(const ScsiDisk& disk, Milliseconds limit) override {
    return calls_.run_once("the flush of disk " + disk.address, limit,
                           [=] { return sync_disk(disk); });
  }

  Result<std::vector<std::string>> users(const ScsiDisk& disk) override {
    return users_of_disk(disk);
  }

  Result<void> remove(const ScsiDisk& disk, Milliseconds limit) override {
    auto done = calls_.run_once("removing disk " + disk.address, limit, [=] {
      return write_attribute(unit_folder(disk) + "/delete", "1");
    });
    if (!done && done.error().code == ErrorCode::not_found) return {};
    return done;
  }

  Result<void> rescan(const ScsiDisk& disk, Milliseconds limit) override {
    return calls_.run<void>("the rescan of disk " + disk.address, limit,
                            [=] { return write_attribute(unit_folder(disk) + "/rescan", "1"); });
  }

 private:
  KernelCalls calls_;
};

}  // namespace

std::unique_ptr<ScsiLayer> make_kernel_scsi_layer() {
  return std::make_unique<KernelScsiLayer>();
}

}  // namespace vbs::vmm_delegate
