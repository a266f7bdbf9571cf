// SPDX-License-Identifier: Apache-2.0
// `sluice test FILE...`: runs scenarios, each in a process of its own, and reports in the order of the command line.
#pragma once

namespace sluice::cli {

/// argv[0] is "test".  Returns the exit status: 0 all passed, 1 some failed, 2 the command line was wrong.
int test_command(int argc, char** argv);

}  // namespace sluice::cli
