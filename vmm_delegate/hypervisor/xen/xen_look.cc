#include "vmm_delegate/hypervisor/xen/xen_look.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "common/file.h"
#include "vmm_delegate/initiator/scsi_serial.h"

namespace vbs::vmm_delegate::xen {
namespace {

const std::string kDomains = "/local/domain";
const std::string kVbds = "/local/domain/0/backend/vbd";
constexpr std::string_view kDev = "/dev/";
constexpr int kHexadecimal = 16;

template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

XenbusState state_of(const std::string& text) {
  const auto number = number_of<int>(text);
  if (!number || *number < 0 || *number > static_cast<int>(XenbusState::closed)) {
    return XenbusState::unknown;
  }
  return static_cast<XenbusState>(*number);
}

/// A node's text, empty where there is none.
Result<std::string> text_at(Xenstore& store, const std::string& path) {
  auto text = store.read(path);
  if (!text) return fail(text.error());
  return std::move(*text).value_or("");
}

/// Reads nodes below one path until the first error, so that it has to be looked at only once.
class Reader {
 public:
  Reader(Xenstore& store, std::string path) : store_(store), path_(std::move(path)) {}

  std::string operator()(const std::string& name) {
    if (error_) return "";
    auto text = text_at(store_, path_ + "/" + name);
    if (text) return *std::move(text);
    error_ = text.error();
    return "";
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  Xenstore& store_;
  const std::string path_;
  std::optional<Error> error_;
};

std::int64_t count_in(const std::string& path) {
  const auto text = read_file(path);
  return text ? number_of<std::int64_t>(*text).value_or(0) : 0;
}

}  // namespace

bool Vbd::complete() const {
  const auto is_up = [](XenbusState state) {
    return state >= XenbusState::initialising && state <= XenbusState::connected;
  };
  return online && plugged && is_up(back) && is_up(front);
}

bool Vbd::releasing() const {
  return !online || back >= XenbusState::closing;
}

bool Vbd::untouched() const {
  return front <= XenbusState::initialised && back != XenbusState::connected;
}

Result<std::optional<unsigned>> domain_id(Xenstore& store, const std::string& name) {
  const auto ids = store.list(kDomains);
  if (!ids) return fail(ids.error());
  std::optional<unsigned> found;
  for (const std::string& id : *ids) {
    const auto number = number_of<unsigned>(id);
    if (!number || *number == 0) continue;
    const auto its_name = text_at(store, kDomains + "/" + id + "/name");
    if (!its_name) return fail(its_name.error());
    if (*its_name == name) found = std::max(found.value_or(0), *number);
  }
  return found;
}

Result<std::optional<Vbd>> vbd_of(Xenstore& store, unsigned domain, const std::string& number) {
  Reader back(store, kVbds + "/" + std::to_string(domain) + "/" + number);
  Vbd vbd;
  vbd.disk = {back("dev"), number};
  // `xm` keeps the name as it was given.
  if (vbd.disk.device.starts_with(kDev)) vbd.disk.device.erase(0, kDev.size());
  vbd.path = back("params");
  vbd.physical_device = back("physical-device");
  vbd.read_only = !back("mode").starts_with('w');
  vbd.online = back("online") == "1";
  vbd.plugged = back("hotplug-status") == "connected" && !vbd.physical_device.empty();
  vbd.sectors = number_of<std::uint64_t>(back("sectors"));
  vbd.back = state_of(back("state"));
  if (back.error()) return fail(*back.error());
  if (vbd.back == XenbusState::unknown && vbd.path.empty()) return std::optional<Vbd>();
  Reader front(store, kDomains + "/" + std::to_string(domain) + "/device/vbd/" + number);
  vbd.front = state_of(front("state"));
  if (front.error()) return fail(*front.error());
  return vbd;
}

Result<std::vector<Vbd>> vbds_of(Xenstore& store, unsigned domain) {
  const auto numbers = store.list(kVbds + "/" + std::to_string(domain));
  if (!numbers) return fail(numbers.error());
  std::vector<Vbd> all;
  for (const std::string& number : *numbers) {
    auto vbd = vbd_of(store, domain, number);
    if (!vbd) return fail(vbd.error());
    if (*vbd) all.push_back(**std::move(vbd));
  }
  return all;
}

std::string Sysfs::block(const Vbd& vbd) const {
  const auto colon = vbd.physical_device.find(':');
  if (colon == std::string::npos) return "";
  const std::string_view text = vbd.physical_device;
  const auto major = number_of<unsigned>(text.substr(0, colon), kHexadecimal);
  const auto minor = number_of<unsigned>(text.substr(colon + 1), kHexadecimal);
  if (!major || !minor) return "";
  return root_ + "/dev/block/" + std::to_string(*major) + ":" + std::to_string(*minor);
}

std::string Sysfs::back_end(unsigned domain, const Vbd& vbd) const {
  return root_ + "/bus/xen-backend/devices/vbd-" + std::to_string(domain) + "-" + vbd.disk.number;
}

std::string Sysfs::serial(const Vbd& vbd) const {
  const std::string device = block(vbd);
  if (device.empty()) return "";
  const auto page = read_file(device + "/device/vpd_pg80");
  return page ? serial_of_page(*page) : "";
}

Result<std::uint64_t> Sysfs::sectors(const Vbd& vbd) const {
  const std::string device = block(vbd);
  const auto text = read_file(device + "/size");
  const auto number = device.empty() || !text ? std::nullopt : number_of<std::uint64_t>(*text);
  if (number) return *number;
  return fail(ErrorCode::node_unavailable, "the host device " + vbd.path + " is gone");
}

bool Sysfs::serves(unsigned domain, const Vbd& vbd) const {
  return ::access(back_end(domain, vbd).c_str(), F_OK) == 0;
}

std::int64_t Sysfs::writes(unsigned domain, const Vbd& vbd) const {
  const std::string counts = back_end(domain, vbd) + "/statistics/";
  return count_in(counts + "wr_req") + count_in(counts + "ds_req");
}

}  // namespace vbs::vmm_delegate::xen
