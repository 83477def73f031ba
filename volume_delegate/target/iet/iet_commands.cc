#include "volume_delegate/target/iet/iet_commands.h"

#include "common/ids.h"
#include "common/volume_serial.h"

namespace vbs::volume_delegate::ietadm {
namespace {

std::string option(const char* name, std::uint64_t value) {
  return "--" + std::string(name) + "=" + std::to_string(value);
}

}  // namespace

std::string unit_params(const TargetSpec& spec, bool alone) {
  const auto volume = Uuid::parse(spec.serial);
  const std::string serial = volume ? short_volume_serial(*volume) : spec.serial;
  return "Path=" + spec.device + ",Type=" + (alone ? "blockio" : "fileio") +
         (spec.read_only ? ",IOMode=ro" : "") + ",ScsiId=" + serial + ",ScsiSN=" + serial;
}

Words new_target(std::uint32_t tid, const std::string& iqn) {
  return {"--op", "new", option("tid", tid), "--params", "Name=" + iqn};
}

Words delete_target(std::uint32_t tid) {
  return {"--op", "delete", option("tid", tid)};
}

Words new_unit(std::uint32_t tid, std::uint32_t lun, const std::string& params) {
  return {"--op", "new", option("tid", tid), option("lun", lun), "--params", params};
}

Words new_account(std::uint32_t tid, const std::string& user, const Secret& secret) {
  return {"--op", "new", option("tid", tid), "--user",
          "--params=IncomingUser=" + user + ",Password=" + secret.reveal()};
}

Words delete_account(std::uint32_t tid, const std::string& user) {
  return {"--op", "delete", option("tid", tid), "--user", "--params=IncomingUser=" + user};
}

Words close_connection(std::uint32_t tid, std::uint64_t sid, std::uint32_t cid) {
  return {"--op", "delete", option("tid", tid), option("sid", sid), option("cid", cid)};
}

}  // namespace vbs::volume_delegate::ietadm
