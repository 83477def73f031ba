#pragma once

#include "cli/context.h"

namespace vbs::cli {

// One function per verb of the command table. Each prints what it found and returns the exit code;
// an error is a request that was refused or could not be made.

Result<ExitCode> create_volume(Context& context);
Result<ExitCode> modify_volume(Context& context);
Result<ExitCode> delete_volume(Context& context);
Result<ExitCode> describe_volumes(Context& context);
Result<ExitCode> describe_volume(Context& context);

Result<ExitCode> create_snapshot(Context& context);
Result<ExitCode> delete_snapshot(Context& context);
Result<ExitCode> describe_snapshots(Context& context);
Result<ExitCode> describe_snapshot(Context& context);

Result<ExitCode> attach_volume(Context& context);
Result<ExitCode> detach_volume(Context& context);

Result<ExitCode> describe_operations(Context& context);
Result<ExitCode> describe_operation(Context& context);
Result<ExitCode> cancel_operation(Context& context);

Result<ExitCode> describe_nodes(Context& context);
Result<ExitCode> describe_images(Context& context);
Result<ExitCode> describe_vms(Context& context);
Result<ExitCode> show_audit(Context& context);
Result<ExitCode> describe_audit_records(Context& context);
Result<ExitCode> show_usage(Context& context);
Result<ExitCode> show_version(Context& context);
Result<ExitCode> print_completion(Context& context);

}  // namespace vbs::cli
