// Runs the module in this process, with a bus that records what it sends.
using System;
using System.Threading.Tasks;
using UniversalModuleHost.Testing;
using Xunit;

public sealed class MyModuleTests
{
    [Fact]
    public async Task AnswersWhatItIsAsked()
    {
        await using ModuleTestHost<MyModule> host = new();

        await host.StartAsync();
        Assert.True(await host.DeliverAsync(new Guid(MyModule.Questions), "hello"));

        SentMessage answer = Assert.Single(host.Sent);
        Assert.Equal(new Guid(MyModule.Answers), answer.Service);
        Assert.Equal("MyModule: hello", answer.Text);
        Assert.Empty(host.Failures);
    }
}
