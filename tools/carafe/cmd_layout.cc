// SPDX-License-Identifier: MIT
/// carafe layout: the shared structs of this build. Compared with a golden file in the tests.
#include "carafe/version.h"
#include "commands.h"
#include "exit_code.h"
#include "layout/describe.h"
#include "output.h"

namespace carafe::tool {

void add_layout(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "layout", "Print the layout of a segment, as this build has it");
  verb->callback([&context] {
    context.run = [&context] {
      if (context.json) {
        print_json(context, Json{{"layout_version", kLayoutVersion}, {"layout", describe_layout()}});
      } else {
        print(describe_layout());
      }
      return static_cast<int>(kDone);
    };
  });
}

}  // namespace carafe::tool
