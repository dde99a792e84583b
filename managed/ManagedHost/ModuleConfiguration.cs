// SPDX-License-Identifier: MIT
// A module's Config as IConfiguration, made when a module first asks.
using System;
using System.Collections.Generic;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;

namespace UniversalModuleHost.Hosting;

internal sealed class ModuleConfiguration : IDisposable
{
    private readonly ConfigurationRoot _root;

    public ModuleConfiguration(string json)
    {
        MemoryConfigurationSource source = new() { InitialData = JsonPaths.Read(json) };
        _root = new ConfigurationRoot([new MemoryConfigurationProvider(source)]);
    }

    public IConfiguration Root => _root;

    public void Dispose() => _root.Dispose();
}
