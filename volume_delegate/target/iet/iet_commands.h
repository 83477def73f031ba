#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/secret.h"
#include "volume_delegate/target/target_driver.h"

/// Arguments for ietadm (usr/ietadm.c, 0.4.16 to 1.4.20). It takes no operands: each name is the
/// value of an option, in a list of KEY=VALUE with commas between.
namespace vbs::volume_delegate::ietadm {

using Words = std::vector<std::string>;

/// `alone`: nobody else has the block device open or will have. blockio goes past the page cache
/// and wants that; read-only exports, of which there may be several, use fileio, which writes
/// through the page cache before it answers.
std::string unit_params(const TargetSpec& spec, bool alone);

Words new_target(std::uint32_t tid, const std::string& iqn);
Words delete_target(std::uint32_t tid);
Words new_unit(std::uint32_t tid, std::uint32_t lun, const std::string& params);
/// The secret stands in them: ietadm takes it nowhere else.
Words new_account(std::uint32_t tid, const std::string& user, const Secret& secret);
Words delete_account(std::uint32_t tid, const std::string& user);
Words close_connection(std::uint32_t tid, std::uint64_t sid, std::uint32_t cid);

}  // namespace vbs::volume_delegate::ietadm
