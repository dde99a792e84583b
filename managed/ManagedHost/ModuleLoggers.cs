// SPDX-License-Identifier: MIT
// Loggers of the parts of a module: its log, with the category as a pair.
using System;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>Scopes are those of the module, whichever of its loggers began them.</summary>
internal sealed class ModuleLoggers(ModuleLogger log) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => log.For(categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException(
        "The records of a module go to the broker's log, and nowhere else.");

    public void Dispose()
    {
    }
}
